import assert from "node:assert/strict";
import { test } from "node:test";
import { LONGEST_ASKED, nextAsked, RESET_ANNOTATION, resetOf } from "./fence-reset.ts";
import { statusPatch } from "./merge-service-fence-status.ts";
import { readFenceStatus } from "./read-service-fence-status.ts";
import { ServiceFence } from "./service-fence.ts";

const asked = (value: unknown) => {
  const metadata = { name: "a", namespace: "shop", annotations: { [RESET_ANNOTATION]: value, other: "x" } };
  return resetOf(ServiceFence.parse({ apiVersion: "microservice.slime.io/v1alpha1", kind: "ServiceFence", metadata }).metadata.annotations);
};

test("row 50: a value asks for all, hosts behind it for these, and nothing, or what is no text, for nothing", () => {
  assert.deepEqual(asked("2026-01-01T00:00:00Z"), { mark: "2026-01-01T00:00:00Z", hosts: undefined });
  assert.deepEqual(asked(" 7 B.shop:80, web "), { mark: "7 B.shop:80, web", hosts: ["b.shop", "web"] });
  for (const value of ["", "  ", 7, null, { a: 1 }]) assert.equal(asked(value), undefined);
});

test("row 50: a long value is told from others by a mark that a status can hold", () => {
  const hosts = Array.from({ length: 1_000 }, (_, n) => `s${n}.shop`);
  const [one, other] = [asked(`7 ${hosts.join(" ")}`), asked(`7 ${hosts.toReversed().join(" ")}`)];
  assert.deepEqual(one?.hosts, hosts);
  assert.notEqual(one?.mark, other?.mark);
  assert.deepEqual(readFenceStatus({ domains: {}, reset: one?.mark }).status.reset, one?.mark);
});

test("row 50: the leader alone says which reset is done", () => {
  const patch = (leads: boolean) =>
    statusPatch({ desired: { domains: {}, reset: "2" }, base: undefined, live: { domains: {}, reset: "1" }, leads, now: 0 });
  assert.deepEqual([patch(true), patch(false)], [{ reset: "2" }, undefined]);
});

test("row 50: a reset by the API is later than any before, includes what waits, and is not asked for when too much waits", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  const first = nextAsked({}, "b", now);
  assert.equal(first, "2026-01-01T00:00:00.000Z b");
  const second = nextAsked({ resetAsked: first }, "c", now);
  assert.equal(second, "2026-01-01T00:00:00.001Z b c");
  assert.equal(nextAsked({ resetAsked: second, resetAnswered: second }, "d", now - 5), "2026-01-01T00:00:00.002Z d");
  assert.equal(nextAsked({ resetAsked: second }, undefined, now), "2026-01-01T00:00:00.002Z");
  assert.equal(nextAsked({ resetAsked: "2026-01-01T00:00:00.002Z" }, "d", now), "2026-01-01T00:00:00.003Z");
  assert.equal(nextAsked({ resetAsked: `${first} ${"x".repeat(LONGEST_ASKED)}` }, "d", now), undefined);
  for (const odd of ["zzz", "+275760-09-13T00:00:00.000Z", "9999-12-31T23:59:59.999Z x"])
    assert.match(nextAsked({ resetAsked: odd }, "d", now) ?? "", /^\d{4}-/);
});

test("row 50: any replica says what the API was asked for, the later wins, and the leader alone says that it is done", () => {
  const [one, two] = ["2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.001Z b"];
  const patch = (asked: string, live: string, leads: boolean) =>
    statusPatch({
      desired: { domains: {}, resetAsked: asked, resetAnswered: asked },
      base: undefined,
      live: { domains: {}, resetAsked: live },
      leads,
      now: 0,
    });
  assert.deepEqual(patch(two, one, false), { resetAsked: two });
  assert.deepEqual(patch(one, two, false), undefined);
  assert.deepEqual(patch(one, two, true), { resetAnswered: one });
});
