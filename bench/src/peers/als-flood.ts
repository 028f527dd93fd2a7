/**
 * Floods an access-log port, limited only by flow control, until it is ended.
 *
 * Usage: als-flood.ts PORT KIND STREAMS, KIND one of `largest` (messages of 256 KiB with the
 * smallest entries), `empty` (messages of no byte) and `groups` (fields nested without end). Prints
 * `{"streams":…}` once its streams are open.
 */

import { connect } from "node:http2";
import { setImmediate as turn } from "node:timers/promises";
import { encodeAccessLogMessage } from "@fenceline/als";
import { framed } from "../grpc-frame.ts";

const [port = "", kind = "largest", streams = "20"] = process.argv.slice(2);
const STREAMS_PER_CONNECTION = 4;
const METHOD = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";

const MESSAGES: Readonly<Record<string, Buffer>> = {
  largest: Buffer.concat([Buffer.from([0x12, 0xfc, 0xff, 0x0f]), Buffer.alloc(262_140, Buffer.from([0x0a, 0x00]))]),
  empty: Buffer.alloc(0),
  groups: Buffer.concat([Buffer.from([0x12, 0xfc, 0xff, 0x0f]), Buffer.alloc(262_140, 0x2b)]),
};

const message = framed(MESSAGES[kind] ?? Buffer.alloc(0));
const piece = Buffer.concat(Array.from({ length: Math.max(1, Math.floor(262_144 / message.length)) }, () => message));
const first = framed(encodeAccessLogMessage({ identifier: { logName: "flood", node: { id: "flood" } }, entries: [] }));

/** One connection, and another one when it is closed. */
function flood(): void {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  session.on("close", () => setTimeout(flood, 10));
  for (let index = 0; index < STREAMS_PER_CONNECTION; index += 1)
    void write(session.request({ ":method": "POST", ":path": METHOD, "content-type": "application/grpc" }));
}

async function write(stream: ReturnType<ReturnType<typeof connect>["request"]>): Promise<void> {
  stream.on("error", () => {});
  stream.resume();
  stream.write(first);
  while (!stream.destroyed) {
    if (!stream.write(piece)) await new Promise((resolve) => stream.once("drain", resolve).once("close", resolve));
    await turn();
  }
}

for (let index = 0; index < Number(streams) / STREAMS_PER_CONNECTION; index += 1) flood();
console.log(JSON.stringify({ streams: Number(streams) }));
