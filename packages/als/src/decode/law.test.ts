import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { arbitraryMessage } from "../testing/arbitrary-wire.ts";
import { referenceView } from "../testing/reference-view.ts";
import { FIELDS_READ, V2, V3 } from "../testing/schemas.ts";
import { decodeAccessLogMessage } from "./message.ts";

const RUNS = { numRuns: 500 };

/**
 * A message with a byte changed, or only by one (which moves the end of a sub-message), cut off, or
 * with bytes put in or taken out, up to four times.
 */
const mutated = fc
  .tuple(
    fc.oneof(arbitraryMessage(V3), arbitraryMessage(FIELDS_READ)),
    fc.array(
      fc.tuple(fc.constantFrom("flip", "nudge", "cut", "insert", "remove"), fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 3 })),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
  )
  .map(([bytes, changes]) => changes.reduce((before, [how, where, what]) => mutate(before, how, where % (before.length + 1), what), bytes));

function mutate(bytes: Buffer, how: string, at: number, what: Uint8Array): Buffer {
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (how) {
    case "cut":
      return head;
    case "insert":
      return Buffer.concat([head, what, tail]);
    case "nudge":
      return Buffer.concat([head, tail.subarray(0, 1).map((byte) => byte + ((what[0] ?? 0) % 3) - 1), tail.subarray(1)]);
    case "remove":
      return Buffer.concat([head, tail.subarray(1)]);
    default:
      return Buffer.concat([head, what.subarray(0, Math.min(1, tail.length)), tail.subarray(1)]);
  }
}

for (const [name, schema] of [
  ["v3", V3],
  ["v2", V2],
] as const) {
  test(`the skipping decoder and the full decoder agree on every valid ${name} message`, () => {
    fc.assert(
      fc.property(arbitraryMessage(schema), (bytes) => {
        const { identifier, entries, malformed, error } = decodeAccessLogMessage(bytes);
        const expected = referenceView(schema, bytes);
        assert.notEqual(expected, undefined, "the generator must make valid messages");
        assert.deepEqual({ identifier, entries, malformed, error }, { ...expected, malformed: 0, error: undefined });
      }),
      RUNS,
    );
  });
}

test("on bytes that started as a valid message the decoder agrees with the full decoder of its fields, or both refuse", () => {
  fc.assert(fc.property(mutated, agreesOrReports), RUNS);
});

test("on any bytes the decoder agrees with the full decoder of its fields, or both refuse", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), agreesOrReports), RUNS);
});

test("whatever the complete decoder accepts is accepted, and read alike", () => {
  fc.assert(
    fc.property(mutated, (bytes) => {
      const expected = referenceView(V3, bytes);
      if (expected === undefined) return;
      const { identifier, entries, malformed, error } = decodeAccessLogMessage(bytes);
      assert.deepEqual({ identifier, entries, malformed, error }, { ...expected, malformed: 0, error: undefined });
    }),
    RUNS,
  );
});

function agreesOrReports(bytes: Uint8Array): void {
  const { identifier, entries, malformed, error } = decodeAccessLogMessage(bytes);
  const expected = referenceView(FIELDS_READ, bytes);
  const reported = malformed > 0 || error !== undefined;
  assert.equal(reported, expected === undefined, `malformed ${malformed}, error ${error}`);
  if (!reported) assert.deepEqual({ identifier, entries }, expected);
}
