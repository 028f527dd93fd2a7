import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { pushJoining, releaseJoined, unreadBytes } from "./joined-reading.ts";
import { Pieces } from "./pieces.ts";

const sizes = fc.array(fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 20 }) }, fc.integer({ min: 1, max: 5_000 })), {
  maxLength: 300,
});

/** Pieces of these sizes of a text in which every place is another. */
function cut(of: readonly number[]): Buffer[] {
  let at = 0;
  return of.map((size) => Buffer.from(Array.from({ length: size }, () => (at++ * 7_919) % 251)));
}

function joining(): Readable {
  const stream = new Readable({ read() {} });
  stream.push = pushJoining;
  return stream;
}

test("T-10 pieces keep their bytes and their order, and small ones do not stay many", () => {
  fc.assert(
    fc.property(sizes, (chosen) => {
      const pieces = new Pieces();
      for (const piece of cut(chosen)) pieces.add(piece);
      const bytes = Buffer.concat(cut(chosen));
      assert.equal(pieces.bytes, bytes.length);
      assert.deepEqual(Buffer.concat(pieces.list()), bytes);
      assert.ok(pieces.list().length <= 10 + bytes.length / 500);
    }),
  );
});

test("T-10 a stream gives all its bytes in order, however it is paused meanwhile", async () => {
  await fc.assert(
    fc.asyncProperty(sizes, fc.array(fc.nat(2), { minLength: 300, maxLength: 300 }), async (chosen, steps) => {
      const stream = joining();
      const received: Buffer[] = [];
      if (steps[0] === 0) stream.pause();
      stream.on("data", (piece) => received.push(piece));
      for (const [at, piece] of cut(chosen).entries()) {
        if (steps[at] === 0) stream.pause();
        if (steps[at] === 1) stream.resume();
        stream.push(piece);
        if (at % 9 === 0) await nextTurn();
      }
      stream.push(null);
      stream.resume();
      if (!stream.readableEnded) await new Promise((resolve) => stream.once("end", resolve));
      assert.deepEqual(Buffer.concat(received), Buffer.concat(cut(chosen)));
    }),
    { numRuns: 50 },
  );
});

test("T-10 what nobody reads is counted, says stop, and is there for read()", () => {
  const stream = joining();
  let more = true;
  let pushed = 0;
  for (; more; pushed += 1) more = stream.push(Buffer.from("x"));
  assert.equal(pushed, stream.readableHighWaterMark);
  assert.equal(unreadBytes(stream), pushed);

  releaseJoined(stream);

  assert.equal(stream.read().length, pushed);
  assert.equal(unreadBytes(stream), 0);
});
