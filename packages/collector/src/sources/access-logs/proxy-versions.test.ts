import assert from "node:assert/strict";
import { test } from "node:test";
import { type FenceKey, formatFenceKey } from "@fenceline/api";
import fc from "fast-check";
import { streamOf } from "../../testing/mesh.ts";
import { ProxyVersions } from "./proxy-versions.ts";

const A = { namespace: "test1", name: "a" };
const B = { namespace: "test1", name: "b" };

function setUp() {
  const changes: string[] = [];
  let now = 0;
  const versions = new ProxyVersions(
    (fence) => changes.push(formatFenceKey(fence)),
    () => now,
  );
  const pass = (minutes: number) => {
    now += minutes * 60_000;
    versions.tick();
  };
  return { versions, changes, pass };
}

test("T-04 a version counts for the fence of the stream that tells it, and for no other", () => {
  const { versions, changes } = setUp();
  versions.told(streamOf({}), A, "1.20.0");
  assert.deepEqual([versions.of(A), versions.of(B)], [["1.20.0"], []]);
  assert.deepEqual([versions.ofNamespace("test1"), versions.ofNamespace("test")], [["1.20.0"], []]);
  assert.deepEqual(changes, ["test1/a"]);
});

test("T-04 a version goes ten minutes after its streams; the last one stays until another is told", () => {
  const { versions, changes, pass } = setUp();
  const [old, liar, next] = [streamOf({}), streamOf({}), streamOf({})];
  versions.told(old, A, "1.29.0");
  versions.told(liar, A, "1.5.0");
  assert.deepEqual(versions.of(A), ["1.29.0", "1.5.0"]);
  versions.left(liar);
  pass(9);
  assert.deepEqual(versions.of(A), ["1.29.0", "1.5.0"]);
  pass(1);
  assert.deepEqual(versions.of(A), ["1.29.0"]);
  versions.left(old);
  versions.left(old);
  pass(60);
  assert.deepEqual(versions.of(A), ["1.29.0"]);
  assert.equal(changes.length, 3);
  versions.told(next, A, "1.29.0");
  assert.equal(changes.length, 3, "a proxy that changes its connection changes nothing");
  versions.left(next);
  pass(10);
  versions.told(streamOf({}), A, "1.30.0");
  assert.deepEqual(versions.of(A), ["1.30.0"]);
});

test("T-04 streams that name an old and a new version in turns change what is known twice in ten minutes, not each time", () => {
  const { versions, changes, pass } = setUp();
  versions.told(streamOf({}), A, "1.29.0");
  for (let turn = 0; turn < 100; turn += 1) {
    const stream = streamOf({});
    versions.told(stream, A, turn % 2 === 0 ? "1.5.0" : "1.30.0");
    versions.left(stream);
    pass(0.05);
  }
  assert.deepEqual(new Set(versions.of(A)), new Set(["1.29.0", "1.5.0", "1.30.0"]));
  assert.equal(changes.length, 3);
  pass(10);
  assert.deepEqual(versions.of(A), ["1.29.0"]);
});

test("T-04 however many versions are named, few are held, and the old one that decides is among them", () => {
  const { versions } = setUp();
  versions.told(streamOf({}), A, "1.29.0");
  for (const version of ["1.21.9", ...Array.from({ length: 1_000 }, (_, patch) => `1.30.${patch}`)]) {
    const stream = streamOf({});
    versions.told(stream, A, version);
    versions.left(stream);
  }
  assert.ok(versions.of(A).includes("1.21.9"));
  assert.ok(versions.size < 25, `${versions.size}`);
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
  versions.forget(A);
  assert.deepEqual([versions.of(A), versions.of(B)], [[], ["1.29.0"]]);
  versions.left(stream);
  assert.equal(versions.size, 3);
});

test("T-04 whatever streams come, change and go, what is known in the end are the versions of those that are open, and nothing grows", () => {
  const step = fc.record({
    stream: fc.nat(5),
    fence: fc.constantFrom(A, B),
    version: fc.constantFrom("1.5.0", "1.29.0", "1.30.0", "junk"),
    leaves: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { versions, pass } = setUp();
      const streams = Array.from({ length: 6 }, () => streamOf({}));
      const open = new Map<number, { readonly fence: string; readonly version: string }>();
      for (const { stream, fence, version, leaves } of steps) {
        const of = streams[stream] ?? streamOf({});
        if (leaves) versions.left(of);
        else versions.told(of, fence, version);
        if (leaves) open.delete(stream);
        else if (version !== "junk") open.set(stream, { fence: formatFenceKey(fence), version });
        const told = (key: FenceKey) => [...open.values()].flatMap((one) => (one.fence === formatFenceKey(key) ? one.version : []));
        for (const key of [A, B]) assert.ok(told(key).every((one) => versions.of(key).includes(one)));
        pass(10);
        for (const key of [A, B]) assertKnown(versions.of(key), told(key));
        assert.ok(versions.size <= 4 + 2 * open.size);
      }
    }),
  );
});

/** @param told by the streams that are open; without one the last one's version stays */
function assertKnown(known: readonly string[], told: readonly string[]): void {
  if (told.length > 0) assert.deepEqual(new Set(known), new Set(told));
  else assert.ok(known.length <= 1);
}
