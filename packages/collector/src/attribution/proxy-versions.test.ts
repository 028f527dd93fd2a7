import assert from "node:assert/strict";
import { test } from "node:test";
import { formatFenceKey } from "@fenceline/api";
import fc from "fast-check";
import { streamOf } from "../testing/mesh.ts";
import { ProxyVersions } from "./proxy-versions.ts";

const A = { namespace: "test1", name: "a" };
const B = { namespace: "test1", name: "b" };

function setUp() {
  const changes: string[] = [];
  const versions = new ProxyVersions((fence) => changes.push(formatFenceKey(fence)));
  return { versions, changes };
}

test("T-04 a version counts for the fence of the stream that tells it, and for no other", () => {
  const { versions, changes } = setUp();
  versions.told(streamOf({}), A, "1.20.0");
  assert.deepEqual([versions.of(A), versions.of(B)], [["1.20.0"], []]);
  assert.deepEqual([versions.ofNamespace("test1"), versions.ofNamespace("test")], [["1.20.0"], []]);
  assert.deepEqual(changes, ["test1/a"]);
});

test("T-04 a version goes with its streams; the last one stays until another is told", () => {
  const { versions, changes } = setUp();
  const [old, liar, next] = [streamOf({}), streamOf({}), streamOf({})];
  versions.told(old, A, "1.29.0");
  versions.told(liar, A, "1.5.0");
  assert.deepEqual(versions.of(A), ["1.29.0", "1.5.0"]);
  versions.left(liar);
  assert.deepEqual(versions.of(A), ["1.29.0"]);
  versions.left(old);
  versions.left(old);
  assert.deepEqual(versions.of(A), ["1.29.0"]);
  assert.equal(changes.length, 3);
  versions.told(next, A, "1.29.0");
  assert.equal(changes.length, 3, "a proxy that changes its connection changes nothing");
  versions.left(next);
  versions.told(streamOf({}), A, "1.30.0");
  assert.deepEqual(versions.of(A), ["1.30.0"]);
});

test("T-04 what is no version is ignored: it must not stand for an old one", () => {
  const { versions, changes } = setUp();
  for (const text of ["", "1", "x", "1.x", "v1.29.0", "1.29.0 ", "1.29\n", "-1.2", "1.2.", "9999.1", `1.2.${"9".repeat(100)}`, "1.2.<b>"]) {
    versions.told(streamOf({}), A, text);
  }
  assert.deepEqual([versions.of(A), changes, versions.size], [[], [], 0]);
  for (const text of ["1.29", "1.29.0", "1.31-alpha.0123abc", "1.29.2-distroless"]) versions.told(streamOf({}), A, text);
  assert.equal(versions.of(A).length, 4);
});

test("T-04 a fence that is gone is forgotten", () => {
  const { versions } = setUp();
  const stream = streamOf({});
  versions.told(stream, A, "1.29.0");
  versions.told(streamOf({}), B, "1.29.0");
  versions.retain((fence) => fence === "test1/b");
  assert.deepEqual([versions.of(A), versions.of(B)], [[], ["1.29.0"]]);
  versions.left(stream);
  assert.equal(versions.size, 2);
});

test("T-04 whatever streams come, change and go, what is known are the versions of those that are open, and nothing grows", () => {
  const step = fc.record({
    stream: fc.nat(5),
    fence: fc.constantFrom(A, B),
    version: fc.constantFrom("1.5.0", "1.29.0", "1.30.0", "junk"),
    leaves: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { versions } = setUp();
      const streams = Array.from({ length: 6 }, () => streamOf({}));
      const open = new Map<number, { readonly fence: string; readonly version: string }>();
      for (const { stream, fence, version, leaves } of steps) {
        const of = streams[stream] ?? streamOf({});
        if (leaves) versions.left(of);
        else versions.told(of, fence, version);
        if (leaves) open.delete(stream);
        else if (version !== "junk") open.set(stream, { fence: formatFenceKey(fence), version });
        for (const key of [A, B]) {
          assertKnown(
            versions.of(key),
            [...open.values()].filter((one) => one.fence === formatFenceKey(key)).map((one) => one.version),
          );
        }
        assert.ok(versions.size <= 2 + open.size);
      }
    }),
  );
});

/** @param told by the streams that are open; without one the last one's version stays */
function assertKnown(known: readonly string[], told: readonly string[]): void {
  if (told.length > 0) assert.deepEqual(new Set(known), new Set(told));
  else assert.ok(known.length <= 1);
}
