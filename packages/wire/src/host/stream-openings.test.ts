import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cut, FRAME, frame, PREFACE } from "../testing/frames.ts";
import { StreamOpenings } from "./stream-openings.ts";

const TYPE_AT = 3;
const COUNTED: readonly number[] = [FRAME.HEADERS, FRAME.RST_STREAM];
const frames = fc.array(
  fc
    .tuple(fc.oneof(fc.constantFrom(...COUNTED), fc.nat(255)), fc.uint8Array({ maxLength: 400 }))
    .map(([type, payload]) => ({ type, payload })),
  { maxLength: 30 },
);

/** What passes in each turn of so many streams at most, until all has. */
function passInTurns(pieces: readonly Buffer[], streams: number) {
  const openings = new StreamOpenings();
  const turns: { readonly passed: Buffer; readonly opened: number }[] = [];
  let left = streams;
  let passed: Buffer[] = [];
  const endTurn = () => {
    turns.push({ passed: Buffer.concat(passed), opened: streams - left });
    passed = [];
    left = streams;
  };
  for (const piece of pieces)
    for (let at = 0; at < piece.length; ) {
      const end = openings.pass(piece, at, (isData) => isData || (left > 0 && left-- > 0));
      passed.push(piece.subarray(at, end));
      if (end < piece.length) endTurn();
      at = end;
    }
  endTurn();
  return turns;
}

test("T-09 however frames are cut into chunks, all bytes pass in order, and no turn tells of more streams than it may", () => {
  fc.assert(
    fc.property(frames, fc.array(fc.nat(), { maxLength: 40 }), fc.integer({ min: 1, max: 5 }), (sent, places, streams) => {
      const bytes = Buffer.concat([PREFACE, ...sent.map(({ type, payload }) => frame(type, 0, 1, payload))]);
      const turns = passInTurns(cut(bytes, places), streams);
      assert.deepEqual(Buffer.concat(turns.map(({ passed }) => passed)), bytes);

      const types: { readonly at: number; readonly isCounted: boolean }[] = [];
      let begin = PREFACE.length;
      for (const { type, payload } of sent) {
        types.push({ at: begin + TYPE_AT, isCounted: COUNTED.includes(type) });
        begin += 9 + payload.length;
      }
      let from = 0;
      for (const { passed, opened } of turns) {
        const told = types.filter(({ at, isCounted }) => isCounted && at >= from && at < from + passed.length).length;
        assert.equal(told, opened);
        assert.ok(told <= streams);
        from += passed.length;
      }
    }),
  );
});

test("T-09 what looks like HEADERS within a payload opens nothing", () => {
  const openings = new StreamOpenings();
  const bytes = Buffer.concat([PREFACE, frame(FRAME.DATA, 0, 1, frame(FRAME.HEADERS, 0, 1)), frame(FRAME.CONTINUATION, 0, 1)]);
  const never = (isData: boolean) => isData || assert.fail("a stream was seen");
  assert.equal(openings.pass(bytes, 0, never), bytes.length);
});
