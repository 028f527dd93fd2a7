import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { encodeAccessLogMessage } from "@fenceline/als";
import { type FencelineProcess, get, startFenceline } from "../../testing/fenceline-process.ts";
import { undoAfter } from "../../testing/undo.ts";

/**
 * Most megabytes that all attacks together may add to the process: 64 of unfinished messages, V8's
 * garbage, and streams with a window of 64 KiB each.
 */
const MOST_ADDED_MB = 300;
const STREAM = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";

/** A standalone Fenceline with the demo's fences and a way to send to its access-log port. */
async function start(t: TestContext) {
  const undo = undoAfter(t);
  const folder = mkdtempSync(join(tmpdir(), "fenceline-floods-"));
  undo(() => rmSync(folder, { recursive: true, force: true }));
  const fenceline = await startFenceline(folder);
  undo(() => {
    fenceline.kill("SIGKILL");
    return fenceline.ended;
  });
  return { fenceline, undo };
}

function rssOf({ pid }: FencelineProcess): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024;
}

function session(t: TestContext, port: number): ClientHttp2Session {
  const made = connect(`http://127.0.0.1:${port}`);
  made.on("error", () => {});
  t.after(() => made.destroy());
  return made;
}

function open(connection: ClientHttp2Session, headers: Record<string, string> = {}): ClientHttp2Stream {
  const stream = connection.request({ ":method": "POST", ":path": STREAM, "content-type": "application/grpc", te: "trailers", ...headers });
  stream.on("error", () => {});
  stream.resume();
  return stream;
}

function framed(message: Buffer, flag = 0, announced = message.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(announced, 1);
  return Buffer.concat([prefix, message]);
}

const TINY = Buffer.concat([Buffer.from([0x12, 0xfc, 0xff, 0x0f]), Buffer.alloc(262_140, Buffer.from([0x0a, 0x00]))]);
const OVERSIZED = Buffer.concat([Buffer.from([0x12, 0xfc, 0xff, 0xff, 0x01]), Buffer.alloc(4_194_300, Buffer.from([0x0a, 0x00]))]);
const identified = (logName: string, cluster: string) =>
  encodeAccessLogMessage({ identifier: { logName, node: { id: "x" } }, entries: [{ upstreamCluster: cluster }] });

const ATTACKS: Record<string, (t: TestContext, port: number) => void> = {
  "20 streams of compressed bombs"(t, port) {
    for (let index = 0; index < 20; index += 1) open(session(t, port), { "grpc-encoding": "gzip" }).write(framed(gzipSync(OVERSIZED), 1));
  },
  "300 streams with a message of 4 MiB each that does not end"(t, port) {
    const connections = Array.from({ length: 10 }, () => session(t, port));
    for (let index = 0; index < 300; index += 1) {
      const connection = connections[index % 10];
      if (connection !== undefined) open(connection).write(framed(OVERSIZED.subarray(0, 4_000_000), 0, 4_194_304));
    }
  },
  "600 streams with as much of a message as is taken, that does not end"(t, port) {
    const connections = Array.from({ length: 10 }, () => session(t, port));
    for (let index = 0; index < 600; index += 1) {
      const connection = connections[index % 10];
      if (connection !== undefined) open(connection).write(framed(TINY.subarray(0, 250_000), 0, 262_144));
    }
  },
  "20,000 clusters that do not exist, of any length"(t, port) {
    const stream = open(session(t, port));
    for (let index = 0; index < 20_000; index += 20) {
      const clusters = Array.from({ length: 20 }, (_, more) => ({
        upstreamCluster: `outbound|80||${"x".repeat(4_000)}${index + more}.demo`,
      }));
      const identifier = { logName: "fenceline/bookinfo/productpage", node: { id: "x" } };
      stream.write(framed(encodeAccessLogMessage({ identifier, entries: clusters })));
    }
  },
  "20 streams of the smallest entries without end"(t, port) {
    for (let index = 0; index < 20; index += 1) {
      const stream = open(session(t, port));
      const more = () => void (stream.destroyed || stream.write(framed(TINY), () => setImmediate(more)));
      more();
    }
  },
  "1,000 connections that say nothing"(t, port) {
    for (let index = 0; index < 1_000; index += 1) {
      const socket = connectTcp(port, "127.0.0.1").on("error", () => {});
      t.after(() => socket.destroy());
    }
  },
};

const EXPECTED = [
  ...["compressed", "message_size", "peer_bytes", "address_connections"].map(
    (limit) => new RegExp(`^fenceline_access_log_limits_total\\{limit="${limit}"\\} [1-9]`, "m"),
  ),
  /^fenceline_access_log_entries_dropped_total\{reason="too_many_entries"\} [1-9]/m,
];

/** The metrics once they have all these lines, or as they are after a minute. */
async function metricsWith(port: number, lines: readonly RegExp[]): Promise<string> {
  const begin = performance.now();
  for (;;) {
    const { body } = await get(port, "/metrics");
    if (lines.every((line) => line.test(body)) || performance.now() - begin > 60_000) return body;
    await wait(100);
  }
}

test("T-09 T-10 a process under all attacks at once stays small, answers its probes, and learns an honest stream's edges", async (t) => {
  const { fenceline } = await start(t);
  await wait(0);
  const { alsPort, apiPort } = fenceline;
  // Before the flood of connections takes all places of this address: an Envoy's is there for half
  // an hour.
  const honest = open(session(t, alsPort));
  honest.write(framed(identified("fenceline/bookinfo/productpage", "outbound|9081||details.bookinfo.svc.cluster.local")));
  const before = rssOf(fenceline);

  for (const attack of Object.values(ATTACKS)) attack(t, alsPort);

  let most = 0;
  let learned: string[] = [];
  const begin = performance.now();
  for (let rounds = 0; performance.now() - begin < 8_000; rounds += 1) {
    const cluster = `outbound|80|round-${rounds}|ratings.bookinfo.svc.cluster.local`;
    honest.write(framed(encodeAccessLogMessage({ entries: [{ upstreamCluster: cluster }] })));
    assert.equal((await get(apiPort, "/healthz")).status, 200);
    const { edges } = JSON.parse((await get(apiPort, "/api/v1/edges?namespace=bookinfo")).body);
    learned = edges.map(({ source, destination }: { source: string; destination: string }) => `${source} ${destination}`);
    most = Math.max(most, rssOf(fenceline));
  }
  t.diagnostic(`RSS ${before.toFixed()} MB before, ${most.toFixed()} MB at most`);
  assert.ok(learned.includes("bookinfo/productpage ratings.bookinfo.svc.cluster.local"), learned.join(", "));
  assert.ok(most - before < MOST_ADDED_MB, `${(most - before).toFixed()} MB more than before`);
  // A busy machine may still have attacks under way.
  const metrics = await metricsWith(apiPort, EXPECTED);
  for (const line of EXPECTED) assert.match(metrics, line);
});
