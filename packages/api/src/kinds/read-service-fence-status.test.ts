import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { describeLeftOut } from "./left-out.ts";
import { readFenceStatus } from "./read-service-fence-status.ts";
import { FENCE_API_VERSIONS, ServiceFence } from "./service-fence.ts";

const B = "b.test1.svc.cluster.local";
const SEEN = "2026-11-28T10:00:00.000Z";
const HOST = { hosts: [B], status: "ACTIVE", source: "learned", firstSeen: SEEN, lastSeen: SEEN, requests: 3, ports: [80] } as const;

/** Names of hosts, and texts that are none. */
const anyKey = fc.oneof(
  fc.domain().map((name) => name.toLowerCase()),
  fc.string(),
  fc.constantFrom("__proto__", "constructor", "", "*.", "a/*"),
);
const anyField = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(1e300, -1, 2 ** 53, 0.5, "9999999-01-01", SEEN, "EXPIRE", "48h", "1.5h30m", "9".repeat(99), [0, 80, 70_000], [80, 80]),
);
const fields = ["hosts", "status", "source", "firstSeen", "lastSeen", "requests", "ports", "idleWindow"];
const anyDomain = fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom(...fields, "x"), anyField));
const anyStatus = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      domains: fc.oneof(fc.jsonValue(), fc.dictionary(anyKey, anyDomain)),
      conditions: anyField,
      metricStatus: anyField,
      observedUntil: anyField,
      warmUp: anyField,
    },
    { requiredKeys: [] },
  ),
);

test("T-11 whatever stands beside it in a status, a readable host is read, and nothing throws", () => {
  fc.assert(
    fc.property(anyStatus, (status) => {
      const domains = (status as { domains?: unknown } | null)?.domains;
      const around = typeof domains === "object" && domains !== null && !Array.isArray(domains) ? domains : {};
      const all = { ...(typeof status === "object" ? status : {}), domains: { ...around, [B]: HOST } };
      assert.deepEqual(readFenceStatus(all).status.domains[B], HOST);
      const fence = { apiVersion: FENCE_API_VERSIONS[0], kind: "ServiceFence", metadata: { name: "a" }, spec: {}, status };
      assert.equal(ServiceFence.safeParse(fence).success, true);
    }),
  );
});

test("T-11 what was read can be read again whole, and written as JSON", () => {
  fc.assert(
    fc.property(anyStatus, (value) => {
      const { status } = readFenceStatus(value);
      const again = readFenceStatus(JSON.parse(JSON.stringify(status)));
      assert.deepEqual(again, { status: JSON.parse(JSON.stringify(status)), leftOut: [] });
    }),
  );
});

test("T-11 a host keeps its place when its times, its source and its ports are not readable, and a count stays as high as it can be", () => {
  const domains = { [B]: { ...HOST, requests: 2 ** 60, lastSeen: "yesterday", source: "guessed", ports: [80, "http", 0] } };
  const { status, leftOut } = readFenceStatus({ domains });
  const { lastSeen: _, ...rest } = HOST;
  assert.deepEqual(status.domains[B], { ...rest, requests: Number.MAX_SAFE_INTEGER });
  assert.deepEqual(
    leftOut,
    ["source", "lastSeen", "requests", "ports"].map((field) => `domains['${B}'].${field}`),
  );
});

test("T-24 a host's own window and the warm-up are read as they stand, and what is none is left out", () => {
  const read = (idleWindow: unknown, warmUp: unknown) => readFenceStatus({ domains: { [B]: { ...HOST, idleWindow } }, warmUp });
  assert.deepEqual(read("48h", "All for 48h"), {
    status: { domains: { [B]: { ...HOST, idleWindow: "48h" } }, warmUp: "All for 48h" },
    leftOut: [],
  });
  for (const bad of [48, "soon", "9999999999h", `${"1h".repeat(1_000_000)}`, {}])
    assert.deepEqual(read(bad, [bad]), { status: { domains: { [B]: HOST } }, leftOut: [`domains['${B}'].idleWindow`, "warmUp"] });
});

test("T-11 conditions are read each for itself", () => {
  const good = { type: "Ready", status: "True", reason: "Rendered", message: "", lastTransitionTime: SEEN };
  const { status, leftOut } = readFenceStatus({ conditions: [{ ...good, type: "OfTomorrow" }, good, 7] });
  assert.deepEqual(status, { domains: {}, conditions: [good] });
  assert.deepEqual(leftOut, ["conditions[0]", "conditions[2]"]);
});

test("T-11 an entry that has become unreadable keeps what was read of it before", () => {
  const { status: before } = readFenceStatus({ domains: { [B]: HOST } });
  for (const value of [{ domains: { [B]: 7 } }, { domains: "gone" }, "gone"])
    assert.deepEqual(readFenceStatus(value, before).status.domains, { [B]: HOST });
  assert.deepEqual(readFenceStatus({ domains: {} }, before).status.domains, {}, "one that was taken out is gone");
});

test("T-11 a time with an offset, as Kubernetes takes it, is a time", () => {
  const { status } = readFenceStatus({
    observedUntil: "2026-11-28T11:00:00+01:00",
    domains: { [B]: { ...HOST, lastSeen: "2026-11-28T10:00:00+00:00" } },
  });
  assert.equal(status.observedUntil, SEEN);
  assert.equal(status.domains[B]?.lastSeen, SEEN);
});

test("T-11 of many parts that are not readable a few are named", () => {
  assert.equal(describeLeftOut(["a", "b"]), "a, b");
  assert.equal(describeLeftOut(["a", "b", "c", "d", "e", "f", "g"]), "a, b, c, d, e and 2 more");
});

test("T-11 what is left out is named in few words, however long its name is", () => {
  const { leftOut } = readFenceStatus({ domains: { ["y".repeat(1_000_000)]: 5, [`${"é\n".repeat(9_000)}`]: {} } });
  assert.equal(leftOut.length, 2);
  assert.ok(describeLeftOut(leftOut).length < 1_000);
});
