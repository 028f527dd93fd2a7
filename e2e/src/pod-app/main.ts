/**
 * The application in a lab's pods: servers that echo, and a client that does what the lab says on
 * standard input.
 */
import { once } from "node:events";
import type { Server } from "node:net";
import { createInterface } from "node:readline";
import { sendAccessLogs } from "./access-logs.ts";
import { httpCall, tcpCall } from "./call.ts";
import { GrpcEcho } from "./grpc/echo-server.ts";
import { GrpcStream } from "./grpc/stream.ts";
import { httpEcho } from "./http-echo.ts";
import { Load } from "./load.ts";
import type { LongLived } from "./long-lived.ts";
import { LongLivedConnection } from "./long-lived-connection.ts";
import { type AppPorts, type Command, type LongLivedCall, type Question, READY, type Reply } from "./protocol.ts";
import { tcpEcho } from "./tcp-echo.ts";
import { LongLivedWebSocket } from "./web-socket/long-lived-web-socket.ts";

const POD = process.env.POD ?? "";
const loads = new Map<string, Load>();
let loadsStarted = 0;
const connections = new Map<string, LongLived>();
let opened = 0;

await listen(JSON.parse(process.env.PORTS ?? "{}") as AppPorts);
process.stdout.write(`${READY}\n`);
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => void answer(JSON.parse(line) as Question));
// The lab is gone.
lines.on("close", () => process.exit(0));

async function listen({ http = [], grpc = [], echo = [], greet = [] }: AppPorts): Promise<void> {
  const servers: [Server, number][] = [
    ...http.map((port): [Server, number] => [httpEcho(POD), port]),
    ...echo.map((port): [Server, number] => [tcpEcho(), port]),
    ...greet.map((port): [Server, number] => [tcpEcho(`hello from ${POD}`), port]),
  ];
  await Promise.all([
    ...servers.map(([server, port]) => once(server.listen(port, "0.0.0.0"), "listening")),
    ...grpc.map((port) => new GrpcEcho(POD).listen(`0.0.0.0:${port}`)),
  ]);
}

async function answer({ id, ...command }: Question): Promise<void> {
  let reply: Reply;
  try {
    reply = { id, result: await carryOut(command) };
  } catch (error) {
    reply = { id, error: error instanceof Error ? error.message : String(error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}

async function carryOut(command: Command): Promise<unknown> {
  switch (command.do) {
    case "call":
      return httpCall(command);
    case "connect":
      return tcpCall(command);
    case "grpc call":
      return GrpcStream.call(command);
    case "send access logs":
      return sendAccessLogs(command);
    case "start load": {
      loadsStarted += 1;
      const name = `load ${loadsStarted}`;
      loads.set(name, new Load(command));
      return name;
    }
    case "report load":
      return named(loads, command.load).report();
    case "stop load": {
      const load = named(loads, command.load);
      loads.delete(command.load);
      return load.stop();
    }
    case "open": {
      opened += 1;
      const name = `connection ${opened}`;
      connections.set(name, await open(command));
      return name;
    }
    case "exchange":
      return named(connections, command.connection).exchange(command.send);
    case "close": {
      const closing = named(connections, command.connection);
      connections.delete(command.connection);
      return closing.close();
    }
  }
}

async function open(call: LongLivedCall): Promise<LongLived> {
  if ("target" in call) return GrpcStream.open(call);
  return "webSocket" in call ? LongLivedWebSocket.open(call.webSocket) : LongLivedConnection.open(call.host, call.port);
}

function named<T>(things: ReadonlyMap<string, T>, name: string): T {
  const thing = things.get(name);
  if (thing === undefined) throw new Error(`there is no ${name}`);
  return thing;
}
