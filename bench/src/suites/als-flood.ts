import { type ClientHttp2Stream, connect } from "node:http2";
import { setTimeout as delay } from "node:timers/promises";
import { encodeAccessLogMessage } from "@fenceline/als";
import { framed } from "../grpc-frame.ts";
import { fenceName, hostOf, meshFolder } from "../mesh.ts";
import { peerSource } from "../places.ts";
import { BenchProcess, stopAll } from "../process.ts";
import type { Settings } from "../settings.ts";
import type { Report, Suite } from "../suite.ts";

/**
 * Most milliseconds from an honest entry until its edge is in the book, at p99, beside any flood.
 */
const GOAL_MS = 100;
const EDGES_PER_ROUND = 50;
const FLOODS: readonly (readonly [kind: string, streams: number])[] = [
  ["none", 0],
  ["largest", 20],
  ["largest", 400],
  ["empty", 20],
  ["groups", 20],
];
const METHOD = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";

/** How soon edges of a well-behaved stream are learned while others flood the access-log port. */
export const alsFlood: Suite = { defaults: { rounds: 3, seconds: 1 }, run };

async function run({ rounds, seconds }: Settings): Promise<Report> {
  const mesh = await meshFolder({ callers: 1, services: FLOODS.length * rounds * EDGES_PER_ROUND, endpointPort: 8080 });
  try {
    const server = await BenchProcess.start("Fenceline", "server", process.execPath, [peerSource("fenceline-collector.ts"), mesh.path]);
    const { port } = await server.answer<{ port: number }>();
    const honest = await honestStream(port);
    const lines: string[] = [];
    const rows: Record<string, unknown>[] = [];
    for (const [kind, streams] of FLOODS) {
      const flood = await startFlood(port, kind, streams);
      await delay(seconds * 1_000);
      const times: number[] = [];
      for (let edge = 0; edge < rounds * EDGES_PER_ROUND; edge += 1) times.push(await learn(server, honest));
      flood?.requireRunning();
      await flood?.stop();
      const sorted = times.sort((a, b) => a - b);
      const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
      const row = { kind, streams, p50: at(0.5), p99: at(0.99), most: at(1) };
      rows.push(row);
      const verdict = row.p99 <= GOAL_MS ? "" : `  ≤ ${GOAL_MS} ms MISSED`;
      lines.push(
        `${`${kind}, ${streams} streams`.padEnd(24)} ${row.p50.toFixed(1).padStart(8)} ${row.p99.toFixed(1).padStart(8)} ${row.most.toFixed(1).padStart(8)}${verdict}`,
      );
    }
    return { text: `${"flood".padEnd(24)}   p50 ms   p99 ms  most ms\n${lines.join("\n")}`, data: { goalMs: GOAL_MS, rows } };
  } finally {
    await stopAll();
    await mesh.remove();
  }
}

async function startFlood(port: number, kind: string, streams: number): Promise<BenchProcess | undefined> {
  if (streams === 0) return undefined;
  const flood = await BenchProcess.start("flood", "rest", process.execPath, [
    peerSource("als-flood.ts"),
    String(port),
    kind,
    String(streams),
  ]);
  await flood.answer();
  return flood;
}

async function honestStream(port: number): Promise<ClientHttp2Stream> {
  const session = connect(`http://127.0.0.1:${port}`);
  const stream = session.request({ ":method": "POST", ":path": METHOD, "content-type": "application/grpc" });
  stream.on("error", () => {});
  session.on("error", () => {});
  session.unref();
  const identifier = { logName: `fenceline/bench/${fenceName(0)}`, node: { id: "honest" } };
  stream.write(framed(encodeAccessLogMessage({ identifier, entries: [] })));
  return stream;
}

let learned = 0;

/**
 * Reports the next edge, and polls until it is in the book. The poll uses the same event loop, so
 * its time counts.
 */
async function learn(server: BenchProcess, stream: ClientHttp2Stream): Promise<number> {
  const begin = performance.now();
  stream.write(framed(encodeAccessLogMessage({ entries: [{ upstreamCluster: `outbound|80||${hostOf(learned)}`, responseCode: 200 }] })));
  learned += 1;
  while ((await server.ask<{ edges: number }>("count")).edges < learned);
  return performance.now() - begin;
}
