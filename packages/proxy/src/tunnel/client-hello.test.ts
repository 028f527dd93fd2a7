import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Refusal } from "../refusals/refusal.ts";
import { clientHello, type Extension, inRecords, serverName } from "../testing/client-hello.ts";
import { ClientHelloReader } from "./client-hello-reader.ts";

const NAME = "details.bookinfo.svc.cluster.local";
const OTHER: Extension = { type: 43, content: Buffer.from([2, 3, 4]) };

/** What a reader makes of a connection's bytes in these pieces. */
function read(...pieces: Buffer[]): string | undefined {
  const reader = new ClientHelloReader();
  for (const piece of pieces) {
    const result = reader.read(piece);
    if (result !== undefined) return result instanceof Refusal ? result.code : result;
  }
  return undefined;
}

/** Cuts at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => place % bytes.length).sort((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, i) => bytes.subarray(sorted[i], end));
}

const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}[a-z0-9]$/);
const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join("."));
const extensions = fc.uniqueArray(
  fc.record({ type: fc.integer({ min: 1, max: 0xffff }), content: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) }),
  { selector: ({ type }) => type, maxLength: 8 },
);

test("a server name is found wherever it stands, and however records and segments cut the hello", () => {
  fc.assert(
    fc.property(
      name,
      extensions,
      extensions,
      fc.integer({ min: 1, max: 600 }),
      fc.array(fc.nat(), { maxLength: 20 }),
      (asked, before, after, recordSize, places) => {
        const types = new Set(before.map(({ type }) => type));
        const hello = clientHello([...before, serverName(asked), ...after.filter(({ type }) => !types.has(type))]);
        assert.equal(read(...cut(inRecords(hello, recordSize), places)), asked);
      },
    ),
  );
});

test("no beginning of a hello is taken for all of it", () => {
  const bytes = inRecords(clientHello([OTHER, serverName(NAME)]), 50);
  for (let end = 0; end < bytes.length; end += 1) assert.equal(read(bytes.subarray(0, end)), undefined, `${end} bytes`);
  assert.equal(read(bytes), NAME);
});

test("a hello that comes byte by byte is read", () => {
  const bytes = inRecords(clientHello([serverName(NAME)]));
  assert.equal(read(...[...bytes].map((byte) => Buffer.from([byte]))), NAME);
});

test("whatever comes is a name, a refusal or a beginning, and never an exception", () => {
  const hello = inRecords(clientHello([OTHER, serverName(NAME)]), 40);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(hello.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = Buffer.from(hello);
      for (const [at, byte] of changes) bytes[at] = byte;
      const result = read(bytes);
      assert.ok(result === undefined || result.length > 0);
    }),
    { numRuns: 5_000 },
  );
  fc.assert(fc.property(fc.uint8Array(), (bytes) => read(Buffer.concat([Buffer.from([22, 3, 1]), bytes])) !== ""));
});

const MALFORMED: Readonly<Record<string, Buffer>> = {
  "HTTP instead of TLS": Buffer.from("GET / HTTP/1.1\r\n"),
  "SSL 2.0": Buffer.from([0x80, 0x2e, 1, 3, 1]),
  "an empty record": Buffer.from([22, 3, 1, 0, 0]),
  "a record beyond 16 KiB": Buffer.from([22, 3, 1, 0x40, 1]),
  "another record between the fragments": Buffer.concat([
    inRecords(clientHello([serverName(NAME)]).subarray(0, 50)),
    Buffer.from([21, 3, 1, 0, 2]),
  ]),
  "another handshake message": inRecords(Buffer.from([2, 0, 0, 1, 0])),
  "two server names": inRecords(clientHello([serverName(NAME), serverName("other.bookinfo")])),
  "any extension twice": inRecords(clientHello([OTHER, serverName(NAME), OTHER])),
  "a name longer than its list": inRecords(clientHello([{ type: 0, content: Buffer.from([0, 4, 0, 0, 9, 97]) }])),
  "a list with bytes behind it": inRecords(clientHello([{ type: 0, content: Buffer.from([0, 4, 0, 0, 1, 97, 0]) }])),
  "a list of two names": inRecords(clientHello([{ type: 0, content: Buffer.from([0, 8, 0, 0, 1, 97, 0, 0, 1, 98]) }])),
  "a name of another type": inRecords(clientHello([{ type: 0, content: Buffer.from([0, 4, 1, 0, 1, 97]) }])),
  "an odd number of bytes of cipher suites": inRecords(clientHello([serverName(NAME)], { cipherSuites: [0x13] })),
  "a session id of 33 bytes": inRecords(clientHello([serverName(NAME)], { sessionId: Buffer.alloc(33) })),
};

for (const [what, bytes] of Object.entries(MALFORMED)) {
  test(`a hello is malformed with ${what}`, () => {
    assert.equal(read(bytes), "REQUEST_MALFORMED");
  });
}

for (const asked of [
  "",
  "10.0.0.1",
  "::1",
  "a.",
  ".a",
  "a..b",
  "a:80",
  "a b",
  "a\0.b",
  "b\u00fccher",
  "127.1",
  "a/b",
  `${"x".repeat(64)}.a`,
]) {
  test(`${JSON.stringify(asked)} is no server name`, () => {
    assert.equal(read(inRecords(clientHello([serverName(asked)]))), "HOST_MALFORMED");
  });
}

test("a hello without a server name, as with Encrypted Client Hello and no outer name, names no destination", () => {
  assert.equal(read(inRecords(clientHello([{ type: 0xfe0d, content: Buffer.alloc(200) }]))), "HOST_MALFORMED");
  assert.equal(read(inRecords(clientHello([]))), "HOST_MALFORMED");
});

test("a hello of 16 KiB is read, a larger one refused as soon as it says so", () => {
  const padded = (length: number) => clientHello([serverName(NAME), { type: 21, content: Buffer.alloc(length) }]);
  const room = 16_384 + 4 - padded(0).length;
  assert.equal(read(inRecords(padded(room), 1_000)), NAME);
  assert.equal(read(inRecords(padded(room + 1), 1_000).subarray(0, 100)), "HEADER_TOO_LARGE");
});
