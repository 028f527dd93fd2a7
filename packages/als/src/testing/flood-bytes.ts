/** What floods of the access-log port send, by name. */
import { FLAG, FRAME, frame, framed, hpack } from "@fenceline/wire/testing/frames";
import { encodeAccessLogMessage } from "../encode/message.ts";
import { STREAM_V3 } from "../methods.ts";

const FIELDS = { ":method": "POST", ":scheme": "http", ":path": STREAM_V3, ":authority": "a", "content-type": "application/grpc" };
const CALL = hpack(FIELDS);
/** Longest payload of a frame (RFC 9113 §4.2). */
const FRAME_BYTES = 16_384;

/** A message of one stream, with an entry for each authority. */
export function named(logName: string, ...authorities: string[]): Buffer {
  return encodeAccessLogMessage({
    identifier: { logName, node: { id: "node" } },
    entries: authorities.map((authority) => ({ authority })),
  });
}

/** A length-delimited field. */
export function delimited(field: number, body: Buffer): Buffer {
  const length: number[] = [];
  let rest = body.length;
  for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...length, rest]), body]);
}

/** A message of this many entries of two bytes. @param field 2 for HTTP, 3 for TCP */
export function tinyEntries(count: number, field = 2): Buffer {
  return delimited(field, Buffer.alloc(2 * count, Buffer.from([0x0a, 0x00])));
}

/** Messages of floods on streams. */
export const MESSAGES: Readonly<Record<string, Buffer>> = {
  "messages of the largest size, of the smallest entries": tinyEntries(131_000),
  "messages of the largest size, of the smallest TCP entries": tinyEntries(131_000, 3),
  "messages that go from HTTP to TCP and back": Buffer.concat(
    Array.from({ length: 20_000 }, (_, index) => delimited(2 + (index % 2), Buffer.from([0x0a, 0x00]))),
  ),
  "messages of two bytes": Buffer.from([0x12, 0x00]),
  "empty messages": Buffer.alloc(0),
  "groups nested without end": delimited(2, delimited(1, Buffer.alloc(196_604, 0x2b))),
  "unknown fields": Buffer.alloc(200_000, Buffer.from([0xa0, 0x06, 0x01])),
  identifiers: named("x".repeat(500)),
};

const FULL = named("flood", ...Array.from({ length: 100 }, (_, index) => `host-${index}`));
const repeat = (count: number, make: (index: number) => Buffer) => Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));
/** The frames of one call, after the HEADERS that open it in the first round. */
const ofOneCall = (round: number, flags: number, frames: Buffer) =>
  Buffer.concat([round === 0 ? frame(FRAME.HEADERS, flags, 1, CALL) : Buffer.alloc(0), frames]);

/**
 * A header with a field of 4,000 bytes that goes to the table of HPACK, and is named by each of the
 * bytes behind it (RFC 7541 §6.1, §6.2.1), in as many frames as nghttp2 takes.
 */
const HEADER_BOMB = (() => {
  const length = Buffer.from([0x7f, 0xa1, 0x1e]); // 4,000 with a prefix of 7 bits
  const field = Buffer.concat([Buffer.from([0x40, 1]), Buffer.from("x"), length, Buffer.alloc(4_000, "a")]);
  return Buffer.concat([CALL, field, Buffer.alloc(130_000, 0xbe)]);
})();

/** A header, cut into HEADERS and CONTINUATION. */
function headerFrames(stream: number, header: Buffer): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < header.length; at += FRAME_BYTES) {
    const flags = at + FRAME_BYTES >= header.length ? FLAG.END_HEADERS : 0;
    frames.push(frame(at === 0 ? FRAME.HEADERS : FRAME.CONTINUATION, flags, stream, header.subarray(at, at + FRAME_BYTES)));
  }
  return Buffer.concat(frames);
}

let peers = 0;

/** A call of a peer that was never there before, and its first message. */
function callOfNewPeer(stream: number): Buffer {
  peers += 1;
  const certificate = `URI=spiffe://cluster.local/ns/flood/sa/${peers}-${process.pid}`;
  const header = hpack({ ...FIELDS, "x-forwarded-client-cert": certificate });
  return Buffer.concat([frame(FRAME.HEADERS, FLAG.END_HEADERS, stream, header), frame(FRAME.DATA, 0, stream, framed(FULL))]);
}

/** Frames that connections are flooded with, in rounds. */
export const FRAMES: Readonly<Record<string, (round: number) => Buffer>> = {
  PING: () => repeat(2_000, () => frame(FRAME.PING, 0, 0, Buffer.alloc(8))),
  SETTINGS: () => repeat(2_000, () => frame(FRAME.SETTINGS, 0, 0, Buffer.from([0, 3, 0, 0, 0, 9]))),
  WINDOW_UPDATE: (round) =>
    ofOneCall(
      round,
      FLAG.END_HEADERS,
      repeat(2_000, () => frame(8, 0, 0, Buffer.from([0, 0, 0, 1]))),
    ),
  "frames of an unknown type": () => repeat(20, () => frame(0xbe, 0, 0, Buffer.alloc(1_000))),
  "empty DATA": (round) =>
    ofOneCall(
      round,
      FLAG.END_HEADERS,
      repeat(2_000, () => frame(FRAME.DATA, 0, 1)),
    ),
  "DATA of one byte": (round) =>
    ofOneCall(
      round,
      FLAG.END_HEADERS,
      repeat(2_000, () => frame(FRAME.DATA, 0, 1, Buffer.alloc(1))),
    ),
  "rapid reset": (round) =>
    repeat(200, (index) => {
      const stream = 1 + 2 * (200 * round + index);
      return Buffer.concat([
        frame(FRAME.HEADERS, FLAG.END_HEADERS, stream, CALL),
        frame(FRAME.RST_STREAM, 0, stream, Buffer.from([0, 0, 0, 8])),
      ]);
    }),
  "streams that end at once": (round) =>
    repeat(200, (index) => frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1 + 2 * (200 * round + index), CALL)),
  CONTINUATION: (round) =>
    ofOneCall(
      round,
      0,
      repeat(200, () => frame(FRAME.CONTINUATION, 0, 1, hpack({ x: "y" }))),
    ),
  "headers that HPACK unpacks to 500 MB": (round) => headerFrames(1 + 2 * round, HEADER_BOMB),
  PRIORITY: () => repeat(2_000, () => frame(2, 0, 3, Buffer.from([0, 0, 0, 0, 9]))),
};

/** Frames of a sidecar's connection, which peers share: it is not cut for what one of them does. */
export const SHARED_FRAMES: Readonly<Record<string, (round: number) => Buffer>> = {
  "streams of certified peers that are always new": (round) => repeat(50, (index) => callOfNewPeer(1 + 2 * (50 * round + index))),
};
