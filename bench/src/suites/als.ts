import { setTimeout as delay } from "node:timers/promises";
import { buildPeer } from "../go.ts";
import { meshFolder } from "../mesh.ts";
import { peerSource } from "../places.ts";
import { BenchProcess, stopAll } from "../process.ts";
import { alternate, type Peer, type Sample } from "../rounds.ts";
import type { Settings } from "../settings.ts";
import type { Report, Suite } from "../suite.ts";
import { format, type Goal, summarise } from "../table.ts";

const OURS = "Fenceline";
const GO = "Go, go-control-plane types";
const GOALS: readonly Goal[] = [{ peer: GO, atLeast: 2.5 }];
const STREAMS = 8;
const ENTRIES = 20;
const DESTINATIONS = 200;
const WARM_UP_MS = 1_000;

/** What a server answers to `count`. */
interface Count {
  readonly entries: number;
  readonly edges: number;
}

/** Entries per second that one core receives, decodes and stores as edges. */
export const als: Suite = { defaults: { rounds: 5, seconds: 4 }, run };

async function run({ rounds, seconds }: Settings): Promise<Report> {
  const generator = buildPeer("go-als-load");
  const mesh = await meshFolder({ callers: STREAMS, services: DESTINATIONS, endpointPort: 8080 });
  try {
    const servers = [
      await BenchProcess.start(OURS, "server", process.execPath, [peerSource("fenceline-collector.ts"), mesh.path]),
      await BenchProcess.start(GO, "server", buildPeer("go-als"), []),
    ];
    const peers: Peer[] = [];
    for (const server of servers) {
      const { port } = await server.answer<{ port: number }>();
      peers.push({ name: server.name, measure: () => flood(generator, server, port, seconds) });
    }
    const samples = await alternate(peers, rounds);
    const rows = summarise(samples, OURS, GOALS);
    const size = { streams: STREAMS, entriesPerMessage: ENTRIES, destinations: DESTINATIONS };
    return {
      text: `${format(rows, "entries/s")}\n${STREAMS} streams, ${ENTRIES} entries a message, ${DESTINATIONS} destinations`,
      data: { ...size, rows, samples: Object.fromEntries(samples) },
    };
  } finally {
    await stopAll();
    await mesh.remove();
  }
}

async function flood(generator: string, server: BenchProcess, port: number, seconds: number): Promise<Sample> {
  const args = ["-port", port, "-streams", STREAMS, "-entries", ENTRIES, "-destinations", DESTINATIONS].map(String);
  const load = await BenchProcess.start("load generator", "rest", generator, args);
  await load.answer();
  await delay(WARM_UP_MS);
  const before = await snapshot(server);
  await delay(seconds * 1_000);
  const after = await snapshot(server);
  load.requireRunning();
  await load.stop();
  if (after.edges !== STREAMS * DESTINATIONS) throw new Error(`${server.name} knows ${after.edges} edges, not ${STREAMS * DESTINATIONS}`);
  const elapsed = after.at - before.at;
  return { rate: ((after.entries - before.entries) / elapsed) * 1_000, cpu: (after.cpu - before.cpu) / elapsed };
}

/** The clock is read at the answer, so a busy server that answers late does not look faster. */
async function snapshot(server: BenchProcess): Promise<Count & { at: number; cpu: number }> {
  const count = await server.ask<Count>("count");
  return { ...count, at: performance.now(), cpu: server.cpuMilliseconds() };
}
