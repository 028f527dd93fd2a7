import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeAccessLogMessage } from "../encode/message.ts";
import { decodeAccessLogMessage } from "./message.ts";

/** A length-delimited field whose number is below 16 and whose body is shorter than 128 bytes. */
const field = (number: number, ...body: Uint8Array[]) => {
  const bytes = Buffer.concat(body);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
};
const http = (...entries: Uint8Array[]) => field(2, ...entries.map((entry) => field(1, entry)));
const named = (authority: string | Buffer) => field(3, field(3, Buffer.from(authority)));
const bytes = (...values: number[]) => Buffer.from(values);
const authorities = (message: Uint8Array) => decodeAccessLogMessage(message).entries.map(({ authority }) => authority);

const BROKEN_ENTRIES: Record<string, Buffer> = {
  "a length past its end": bytes(0x1a, 0x05, 0x1a),
  "a length of 2^31": bytes(0x1a, 0x80, 0x80, 0x80, 0x80, 0x08),
  "a length of 2^32": bytes(0x1a, 0x80, 0x80, 0x80, 0x80, 0x10),
  "a sub-message that ends inside a varint": bytes(0x1a, 0x02, 0x58, 0x80, 0x00),
  "a sub-message that ends inside a fixed32": bytes(0x1a, 0x02, 0x5d, 0x00, 0x00, 0x00, 0x00),
  "a sub-message that ends inside a fixed64": bytes(0x0a, 0x02, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00),
  "a truncated varint": bytes(0x10, 0x80),
  "an eleven-byte varint": bytes(0x10, ...new Array(10).fill(0x80), 0x01),
  "a tag of more than 32 bits": bytes(0x80, 0x80, 0x80, 0x80, 0x10, 0x00),
  "field number 0": bytes(0x02, 0x00),
  "wire type 6": bytes(0x1e),
  "the end of a group that never began": bytes(0x1c),
  "a group without an end": bytes(0x2b, 0x08, 0x01),
  "a group closed by another number": bytes(0x2b, 0x34),
  "an authority that is not UTF-8": named(bytes(0x62, 0xff, 0x62, 0x62)),
  "an authority of one byte that is not UTF-8": named(bytes(0xff)),
};

for (const [fault, entry] of Object.entries(BROKEN_ENTRIES)) {
  test(`an entry with ${fault} is counted and skipped, and the rest of the batch is kept`, () => {
    const message = http(named("before"), entry, named("after"));
    const { entries, malformed, error } = decodeAccessLogMessage(message);
    assert.deepEqual(
      { authorities: entries.map(({ authority }) => authority), malformed },
      { authorities: ["before", "after"], malformed: 1 },
    );
    assert.equal(error, undefined);
  });
}

test("groups nested without end cost neither the stack nor the other entries", () => {
  const bomb = Buffer.alloc(1_000_000, 0x2b);
  const length = bytes(0x0a, 0xc0, 0x84, 0x3d);
  const inner = Buffer.concat([length, bomb, field(1, named("after"))]);
  const varint = bytes((inner.length & 0x7f) | 0x80, ((inner.length >> 7) & 0x7f) | 0x80, inner.length >> 14);
  const { entries, malformed } = decodeAccessLogMessage(Buffer.concat([bytes(0x12), varint, inner]));
  assert.deepEqual([entries.map(({ authority }) => authority), malformed], [["after"], 1]);
});

test("a message cut off anywhere keeps the entries before the cut and says so", () => {
  const entries = ["a", "bb", "ccc"].map((authority) => ({ authority, responseCode: 200 }));
  const whole = encodeAccessLogMessage({ identifier: { logName: "log", node: { id: "node" } }, entries });
  for (let length = 1; length < whole.length; length++) {
    const { entries: kept, error, identifier } = decodeAccessLogMessage(whole.subarray(0, length));
    const authorities = kept.map(({ authority }) => authority);
    assert.deepEqual(authorities, ["a", "bb", "ccc"].slice(0, authorities.length));
    // Cut between identifier and entries, what is left is a message of its own.
    if (error === undefined) assert.deepEqual([identifier?.logName, authorities], ["log", []]);
    else assert.equal(error.code, "ALS_MESSAGE_MALFORMED");
  }
});

test("a broken identifier is not believed in part, and its message keeps the entries", () => {
  const message = Buffer.concat([field(1, field(2, Buffer.from("log")), bytes(0x0a, 0x7f)), http(named("b"))]);
  const { identifier, entries, error } = decodeAccessLogMessage(message);
  assert.deepEqual([identifier, entries.length, error?.code], [undefined, 1, "ALS_MESSAGE_MALFORMED"]);
});

test("HTTP and TCP entries are a oneof: the kind that comes last stands", () => {
  const tcp = field(3, field(1, field(1, field(15, Buffer.from("PassthroughCluster")))));
  const last = decodeAccessLogMessage(Buffer.concat([http(named("b")), tcp])).entries;
  assert.deepEqual(
    last.map(({ kind, upstreamCluster }) => [kind, upstreamCluster]),
    [["tcp", "PassthroughCluster"]],
  );
  assert.deepEqual(authorities(Buffer.concat([http(named("b")), http(named("c"))])), ["b", "c"]);
});

test("a message in a plain Uint8Array inside a larger buffer is read", () => {
  const message = http(named("b"));
  const around = new Uint8Array(message.length + 20);
  around.set(message, 7);
  assert.deepEqual(authorities(around.subarray(7, 7 + message.length)), ["b"]);
});

test("one broken entry among valid ones costs itself only, whatever its bytes", () => {
  fc.assert(
    fc.property(fc.nat({ max: 3 }), fc.uint8Array({ maxLength: 24 }), (place, noise) => {
      const batch = ["a", "b", "c"].map((authority) => named(authority));
      batch.splice(place, 0, Buffer.from(noise));
      const { entries, malformed, error } = decodeAccessLogMessage(http(...batch));
      assert.equal(error, undefined);
      assert.equal(entries.length + malformed, 4);
      const kept = entries.map(({ authority }) => authority);
      if (malformed === 0) kept.splice(place, 1);
      assert.deepEqual(kept, ["a", "b", "c"]);
    }),
  );
});
