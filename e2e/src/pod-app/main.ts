/** The application in a lab's pods: servers that echo, and a client that does what the lab says on standard input. */
import { once } from "node:events";
import type { Server } from "node:net";
import { createInterface } from "node:readline";
import { httpCall, tcpCall } from "./call.ts";
import { httpEcho } from "./http-echo.ts";
import { Load } from "./load.ts";
import { type AppPorts, type Command, type Question, READY, type Reply } from "./protocol.ts";
import { tcpEcho } from "./tcp-echo.ts";

const POD = process.env.POD ?? "";
const loads = new Map<string, Load>();
let loadsStarted = 0;

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
      return running(command.load).report();
    case "stop load": {
      const load = running(command.load);
      loads.delete(command.load);
      return load.stop();
    }
  }
}

function running(name: string): Load {
  const load = loads.get(name);
  if (load === undefined) throw new Error(`there is no ${name}`);
  return load;
}
