import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { framed } from "../testing/frames.ts";
import { MessageFrames } from "./message-frames.ts";

/** Cuts bytes into pieces at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((stop, index) => bytes.subarray(at[index], stop));
}

function readAll(frames: MessageFrames, pieces: readonly Buffer[]): (Buffer | string)[] {
  const messages: (Buffer | string)[] = [];
  for (const piece of pieces) {
    frames.push(piece);
    for (let message = frames.next(); message !== undefined; message = frames.next()) {
      messages.push(typeof message === "string" ? message : Buffer.from(message));
      if (typeof message === "string") return messages;
    }
  }
  return messages;
}

test("messages are the same however their bytes are cut, and nothing is held once they are whole", () => {
  const message = fc.uint8Array({ maxLength: 5_000 });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 12 }), (messages, places) => {
      const frames = new MessageFrames(10_000);
      const pieces = cut(Buffer.concat(messages.map((each) => framed(each))), places);
      assert.deepEqual(readAll(frames, pieces), messages.map(Buffer.from));
      assert.deepEqual([frames.held, frames.isUnfinished], [0, false]);
    }),
  );
});

test("T-10 what is held of an unfinished message follows what arrived, not what was announced, and never goes beyond it by more than twice", () => {
  const frames = new MessageFrames(262_144);
  frames.push(framed(Buffer.alloc(0), 0, 262_144));
  assert.deepEqual([frames.next(), frames.held, frames.isUnfinished], [undefined, 0, true]);
  for (let arrived = 1; arrived < 262_144; arrived += 1) {
    frames.push(Buffer.alloc(1));
    assert.equal(frames.next(), undefined);
    assert.ok(frames.held <= Math.max(2_048, 2 * arrived) && frames.held <= 262_144, `${frames.held} bytes held of ${arrived}`);
  }
});

test("T-10 an unfinished message does not keep alive the piece that it came in", () => {
  const frames = new MessageFrames(1_000);
  const piece = Buffer.alloc(60_000);
  framed(Buffer.alloc(10)).copy(piece);
  frames.push(piece.subarray(0, 12));
  frames.next();
  frames.push(framed(Buffer.alloc(3)).subarray(0, 3));
  frames.next();
  assert.ok(frames.held <= 2_048);
});

for (const [fault, bytes] of [
  ["message_size", framed(Buffer.alloc(0), 0, 1_001)],
  ["compressed", framed(Buffer.alloc(3), 1)],
  ["framing", framed(Buffer.alloc(3), 2)],
] as const) {
  test(`T-09 ${fault} is known from the prefix alone, byte by byte too`, () => {
    const whole = readAll(new MessageFrames(1_000), [framed(Buffer.from("a")), bytes.subarray(0, 5)]);
    assert.deepEqual(whole, [Buffer.from("a"), fault]);
    const pieces = [...bytes.subarray(0, 5)].map((byte) => Buffer.from([byte]));
    assert.deepEqual(readAll(new MessageFrames(1_000), pieces), [fault]);
  });
}
