import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { AccessLogEntry, StreamIdentifier } from "../access-log-entry.ts";
import { decodeAccessLogMessage } from "../decode/message.ts";
import { referenceView } from "../testing/reference-view.ts";
import { V3 } from "../testing/schemas.ts";
import { encodeAccessLogMessage } from "./message.ts";

const text = fc.oneof(fc.string({ unit: "binary", maxLength: 20 }), fc.string({ minLength: 100, maxLength: 300 }));
/**
 * In metadata and in a log name a lone line feed reads as a text that is too long, see struct.ts.
 */
const metadata = text.filter((value) => value !== "\n");
const plain = { noNullPrototype: true };
const address = fc.option(fc.record({ address: text, port: fc.integer({ min: 0, max: 65_535 }) }, plain), { nil: undefined });
const requests = fc.integer({ min: 1, max: 999_999_999 });

const entryOf = (kind: "http" | "tcp"): fc.Arbitrary<AccessLogEntry> =>
  fc.record(
    {
      kind: fc.constant(kind),
      upstreamCluster: text,
      downstreamLocalAddress: address,
      downstreamDirectRemoteAddress: address,
      authority: kind === "http" ? text : fc.constant(""),
      responseCode: kind === "http" ? fc.integer({ min: 0, max: 2 ** 32 - 1 }) : fc.constant(0),
      sni: text,
      peerUris: fc.array(fc.string({ minLength: 1, maxLength: 20 }), { maxLength: 3 }),
      fenceSource: kind === "http" ? text : fc.constant(""),
      requests,
      intermediate: fc.boolean(),
    },
    plain,
  );

const identifier: fc.Arbitrary<StreamIdentifier> = fc.record(
  {
    logName: metadata,
    node: fc.record(
      {
        id: text,
        cluster: text,
        namespace: metadata,
        labels: fc.dictionary(metadata, metadata, { maxKeys: 4, ...plain }),
        istioVersion: metadata,
        serviceAccount: metadata,
        workloadName: metadata,
      },
      plain,
    ),
  },
  plain,
);

for (const kind of ["http", "tcp"] as const) {
  test(`what is encoded as ${kind} entries, our decoder and the full decoder both read back`, () => {
    const message = fc.tuple(fc.array(entryOf(kind), { maxLength: 5 }), fc.option(identifier, { nil: undefined }));
    fc.assert(
      fc.property(message, ([entries, stream]) => {
        const bytes = encodeAccessLogMessage({ identifier: stream, kind, entries });
        const expected = { identifier: stream, entries };
        const { malformed, error, surplus: _, identifierTooLarge: __, ...decoded } = decodeAccessLogMessage(bytes);
        assert.deepEqual({ malformed, error, ...decoded }, { malformed: 0, error: undefined, ...expected });
        assert.deepEqual(referenceView(V3, bytes), expected);
      }),
      { numRuns: 500 },
    );
  });
}

test("a lone surrogate becomes U+FFFD, because text on the wire is UTF-8", () => {
  const [entry] = decodeAccessLogMessage(encodeAccessLogMessage({ entries: [{ authority: "a\ud800b" }] })).entries;
  assert.equal(entry?.authority, "a\ufffdb");
});

test("an entry of which nothing is said is an empty entry", () => {
  assert.deepEqual(encodeAccessLogMessage({ entries: [{}] }).toString("hex"), "12040a020a00");
});
