/** What floods of the access-log port send, by name. */
import { FLAG, FRAME, frame, hpack } from "@fenceline/wire/testing/frames";
import { encodeAccessLogMessage } from "../encode/message.ts";
import { STREAM_V3 } from "../methods.ts";

const CALL = hpack({ ":method": "POST", ":scheme": "http", ":path": STREAM_V3, ":authority": "a", "content-type": "application/grpc" });

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

/** A message of this many entries of two bytes. */
export function tinyEntries(count: number): Buffer {
  return delimited(2, Buffer.alloc(2 * count, Buffer.from([0x0a, 0x00])));
}

/** Messages of floods on streams. */
export const MESSAGES: Readonly<Record<string, Buffer>> = {
  "messages of the largest size, of the smallest entries": tinyEntries(131_000),
  "messages of two bytes": Buffer.from([0x12, 0x00]),
  "empty messages": Buffer.alloc(0),
  "groups nested without end": delimited(2, delimited(1, Buffer.alloc(196_604, 0x2b))),
  "unknown fields": Buffer.alloc(200_000, Buffer.from([0xa0, 0x06, 0x01])),
  identifiers: named("x".repeat(500)),
};

const repeat = (count: number, make: (index: number) => Buffer) => Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));
/** The frames of one call, after the HEADERS that open it in the first round. */
const ofOneCall = (round: number, flags: number, frames: Buffer) =>
  Buffer.concat([round === 0 ? frame(FRAME.HEADERS, flags, 1, CALL) : Buffer.alloc(0), frames]);

/** Frames of floods on connections, in rounds. */
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
  PRIORITY: () => repeat(2_000, () => frame(2, 0, 3, Buffer.from([0, 0, 0, 0, 9]))),
};
