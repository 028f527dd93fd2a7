import assert from "node:assert/strict";
import { test } from "node:test";
import type { EnvoyFilter, ObjectRef, RenderedObject, Sidecar } from "@fenceline/api";
import { type Change, type Obstacle, writtenBy } from "@fenceline/store";
import { pino } from "pino";
import { plan } from "./plan.ts";
import { PlanWriter } from "./plan-writer.ts";
import { NO_OBJECTS } from "./testing/no-objects.ts";

const OWNER: ObjectRef = { kind: "Widget", namespace: "test1", name: "a" };
const nothing = () => {};

function filter(name: string): EnvoyFilter {
  return {
    apiVersion: "networking.istio.io/v1alpha3",
    kind: "EnvoyFilter",
    metadata: { namespace: "test1", name, labels: {} },
    spec: { workloadSelector: { labels: { app: "a" } }, configPatches: [] },
  };
}

function sidecar(name: string, host = "x"): Sidecar {
  return {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "Sidecar",
    metadata: { namespace: "test1", name, labels: {} },
    spec: { workloadSelector: { labels: { app: "a" } }, egress: [{ hosts: [`*/${host}`] }] },
  };
}

/** Carries out a plan where something stands in the way of one object, and tells what was done. */
async function written(obstructed: string, owned: readonly RenderedObject[], desired: readonly RenderedObject[]) {
  const done: string[] = [];
  const apply = async (change: Change): Promise<Obstacle | undefined> => {
    const of = writtenBy(change);
    if (`${of.kind} ${of.name}` === obstructed) return { ...of, reason: "Conflict", message: "somebody else's" };
    done.push(`${change.action} ${of.kind} ${of.name}`);
    return undefined;
  };
  const counter = { inc: nothing };
  const writer = new PlanWriter({
    store: { ...NO_OBJECTS, ownedBy: () => owned, apply },
    reconcilerOf: () => ({ kind: { name: "Widget", errorPrefix: "WIDGET" } }),
    metrics: {
      ...{ reconciles: counter, writes: counter, statusWrites: counter, delayedWrites: counter, kindFaults: counter },
      ...{ observeInFlight: nothing, observeObstacles: nothing },
    },
    logger: pino({ level: "silent" }),
    leads: () => true,
    onWrite: nothing,
  });
  const made = await writer.apply(OWNER, plan(OWNER, owned, desired));
  assert.equal(made, done.length);
  return done;
}

test("issue 14: what stands in the way of an object holds new objects of later kinds, and no others of its own kind", async () => {
  const desired = [filter("a"), filter("b"), sidecar("c"), sidecar("d")];
  assert.deepEqual(await written("EnvoyFilter a", [], desired), ["create EnvoyFilter b"]);
  assert.deepEqual(await written("Sidecar c", [], desired), ["create EnvoyFilter a", "create EnvoyFilter b", "create Sidecar d"]);
});

test("an object of a later kind that is there is kept up to date, whatever stands in the way of an earlier one", async () => {
  assert.deepEqual(await written("EnvoyFilter a", [sidecar("c")], [filter("a"), sidecar("c", "y")]), ["update Sidecar c"]);
});

test("issue 14: an EnvoyFilter that catches calls does not go before the Sidecar that hides hosts, which somebody keeps", async () => {
  assert.deepEqual(await written("Sidecar c", [filter("a"), sidecar("c")], []), []);
  assert.deepEqual(await written("EnvoyFilter a", [filter("a"), sidecar("c")], []), ["delete Sidecar c"]);
});

test("what is written does not keep what is not wanted any more", async () => {
  assert.deepEqual(await written("EnvoyFilter a", [sidecar("c")], [filter("a")]), ["delete Sidecar c"]);
});

test("issue 14: what another replica has added already is neither logged nor counted as a write", async () => {
  const counts = { writes: 0 };
  const lines: string[] = [];
  const state = { isThere: false };
  const counter = { inc: nothing };
  const writer = new PlanWriter({
    store: {
      ...NO_OBJECTS,
      sidecars: {
        widen: async (_change, onAdded) => {
          if (!state.isThere) onAdded?.();
          return undefined;
        },
        widenedAt: () => undefined,
      },
    },
    reconcilerOf: () => ({ kind: { name: "Widget", errorPrefix: "WIDGET" } }),
    metrics: {
      ...{ reconciles: counter, statusWrites: counter, delayedWrites: counter, kindFaults: counter },
      ...{ observeInFlight: nothing, observeObstacles: nothing },
      writes: {
        inc: () => {
          counts.writes += 1;
        },
      },
    },
    logger: pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line).msg) }),
    leads: () => false,
    onWrite: nothing,
  });
  const widening = { action: "update", owner: OWNER, object: sidecar("c") } as const;
  assert.deepEqual([await writer.widen(widening), counts.writes, lines], [true, 1, ["updated"]]);
  state.isThere = true;
  assert.deepEqual([await writer.widen(widening), counts.writes, lines], [false, 1, ["updated"]]);
});
