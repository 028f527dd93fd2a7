import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { StringCache } from "./string-cache.ts";

function reading(cache: StringCache, bytes: Buffer, start = 0, stop = bytes.length): string | undefined {
  return cache.read(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), start, stop);
}

test("any bytes give their text, or undefined when they are not UTF-8, whatever was read before", () => {
  const cache = new StringCache();
  const slice = fc.oneof(
    fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ unit: "binary", maxLength: 200 }).map((text) => Buffer.from(text)),
    fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 140 }).map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(slice, fc.nat({ max: 5 }), (bytes, offset) => {
      const around = Buffer.concat([Buffer.alloc(offset, 0x61), bytes, Buffer.from("b")]);
      for (let again = 0; again < 2; again++) {
        const text = reading(cache, around, offset, offset + bytes.length);
        assert.equal(text, isUtf8(bytes) ? bytes.toString("utf8") : undefined);
      }
    }),
    { numRuns: 5_000 },
  );
});

test("thousands of distinct names crowding the slots are never taken for one another", () => {
  const cache = new StringCache();
  for (let round = 0; round < 2; round++) {
    for (let index = 0; index < 20_000; index++) {
      const name = `outbound|80||svc-${index}.ns-${index % 7}.svc.cluster.local`;
      assert.equal(reading(cache, Buffer.from(name)), name);
    }
  }
});
