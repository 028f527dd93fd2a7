import assert from "node:assert/strict";
import { test } from "node:test";
import { RESET_ANNOTATION, resetOf } from "./fence-reset.ts";
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
