import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { encodeAccessLogMessage } from "@fenceline/als";
import { FakeApiServer } from "@fenceline/kubernetes/testing";
import { framed } from "@fenceline/wire/testing/frames";
import { get, startCommand } from "../../testing/fenceline-process.ts";
import { undoAfter } from "../../testing/undo.ts";

const STREAM = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";
const [OK, RESOURCE_EXHAUSTED] = [0, 8];
const LARGEST = 256 * 1024;
const MOST_ENTRIES = 2_048;

/** The `collector` command, as the chart starts it, and a client of its access-log port. */
async function start(t: TestContext) {
  const undo = undoAfter(t);
  const server = await FakeApiServer.start(t);
  const folder = mkdtempSync(join(tmpdir(), "fenceline-collector-"));
  undo(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "kubeconfig");
  const clusters = [{ name: "c", cluster: { server: server.url, "insecure-skip-tls-verify": true } }];
  const contexts = [{ name: "x", context: { cluster: "c", user: "u" } }];
  const users = [{ name: "u", user: { token: "letmein" } }];
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "Config", clusters, users, contexts, "current-context": "x" }));
  const ports = ["--host", "127.0.0.1", "--als-port", "0", "--api-port", "0"];
  const command = startCommand("collector", "--namespace", "fenceline", "--kubeconfig", file, ...ports);
  undo(() => {
    command.kill("SIGKILL");
    return command.ended;
  });
  const { apiPort } = await command.line(({ msg }) => msg === "collector reads the mesh");
  const { alsPort } = await command.line(({ msg }) => msg === "collector is up");
  const session = connect(`http://127.0.0.1:${alsPort}`).on("error", () => {});
  undo(() => session.destroy());
  const open = () => {
    const stream = session.request({ ":method": "POST", ":path": STREAM, "content-type": "application/grpc", te: "trailers" });
    const ended = Promise.withResolvers<number>();
    for (const event of ["response", "trailers"])
      stream.on(event, (fields) => fields["grpc-status"] !== undefined && ended.resolve(Number(fields["grpc-status"])));
    stream.on("error", () => {}).on("close", () => ended.resolve(-1));
    stream.resume();
    return { stream, status: ended.promise };
  };
  const metric = async (sample: string) => {
    const line = (await get(Number(apiPort), "/metrics")).body.split("\n").find((candidate) => candidate.startsWith(`${sample} `));
    return line === undefined ? undefined : Number(line.slice(sample.length + 1));
  };
  return { open, metric };
}

/** A first message of exactly so many bytes, most of them in a field that nobody knows. */
function messageOf(bytes: number): Buffer {
  const known = encodeAccessLogMessage({ identifier: { logName: "log", node: { id: "n" } }, entries: [{ authority: "b" }] });
  const length = bytes - known.length - 4;
  // Field 15, with a length of three bytes.
  const head = Buffer.from([0x7a, (length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14]);
  return Buffer.concat([known, head, Buffer.alloc(length)]);
}

test("T-09 the limits of messages in the collector, as the command starts it without a word about them", async (t) => {
  const { open, metric } = await start(t);

  await t.test("T-09 the collector takes a message of 256 KiB, and none that has a byte more", async () => {
    const largest = open();
    largest.stream.end(framed(messageOf(LARGEST)));
    assert.equal(await largest.status, OK);
    assert.equal(await metric('fenceline_access_log_limits_total{limit="message_size"}'), 0);
    const larger = open();
    larger.stream.end(framed(messageOf(LARGEST + 1)));
    assert.equal(await larger.status, RESOURCE_EXHAUSTED);
    assert.equal(await metric('fenceline_access_log_limits_total{limit="message_size"}'), 1);
  });

  await t.test("T-09 the collector takes 2,048 entries of a message, and counts those beyond it as dropped", async () => {
    const dropped = 'fenceline_access_log_entries_dropped_total{reason="too_many_entries"}';
    for (const [count, beyond] of [
      [MOST_ENTRIES, 0],
      [MOST_ENTRIES + 1, 1],
    ] as const) {
      const { stream, status } = open();
      const entries = Array.from({ length: count }, () => ({ authority: "b" }));
      stream.end(framed(encodeAccessLogMessage({ identifier: { logName: "log", node: { id: "n" } }, entries })));
      assert.equal(await status, OK);
      assert.equal((await metric(dropped)) ?? 0, beyond, `${count} entries`);
    }
  });
});
