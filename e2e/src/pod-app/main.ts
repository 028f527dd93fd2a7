/** The application in a lab's pods: servers that echo, and a client that does what the lab says on standard input. */
import { once } from "node:events";
import type { Server } from "node:net";
import { createInterface } from "node:readline";
import { httpCall, tcpCall } from "./call.ts";
import { HeldConnection } from "./held-connection.ts";
import { httpEcho } from "./http-echo.ts";
import { Load } from "./load.ts";
import { type AppPorts, type Command, type Question, READY, type Reply } from "./protocol.ts";
import { tcpEcho } from "./tcp-echo.ts";

const POD = process.env.POD ?? "";
const loads = new Map<string, Load>();
let loadsStarted = 0;
const connections = new Map<string, HeldConnection>();
let connectionsOpened = 0;

await listen(JSON.parse(process.env.PORTS ?? "{}") as AppPorts);
process.stdout.write(`${READY}\n`);
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => void answer(JSON.parse(line) as Question));
// The lab is gone.
lines.on("close", () => process.exit(0));

async function listen({ http = [], echo = [], greet = [] }: AppPorts): Promise<void> {
  const servers: [Server, number][] = [
    ...http.map((port): [Server, number] => [httpEcho(POD), port]),
    ...echo.map((port): [Server, number] => [tcpEcho(), port]),
    ...greet.map((port): [Server, number] => [tcpEcho(`hello from ${POD}`), port]),
  ];
  await Promise.all(servers.map(([server, port]) => once(server.listen(port, "0.0.0.0"), "listening")));
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
    case "open connection": {
      connectionsOpened += 1;
      const name = `connection ${connectionsOpened}`;
      connections.set(name, await HeldConnection.open(command.host, command.port));
      return name;
    }
    case "use connection":
      return named(connections, command.connection).exchange(command.send);
    case "close connection":
      named(connections, command.connection).close();
      return connections.delete(command.connection);
  }
}

function named<T>(things: ReadonlyMap<string, T>, name: string): T {
  const thing = things.get(name);
  if (thing === undefined) throw new Error(`there is no ${name}`);
  return thing;
}
