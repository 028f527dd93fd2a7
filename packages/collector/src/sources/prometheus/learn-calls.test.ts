import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sighting, SightingSink } from "@fenceline/edges";
import { meshOf } from "../../testing/mesh.ts";
import { learnCalls } from "./learn-calls.ts";
import type { WorkloadCalls } from "./read-edges.ts";

const FENCE = { namespace: "test1", name: "a" };
const MESH = meshOf(`{apiVersion: v1, kind: Service, metadata: {name: b, namespace: test1}, spec: {ports: [{port: 80}]}}
---
{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: a, namespace: test1}, spec: {enable: true}}`);

/** Takes what fences are told. */
class Heard implements SightingSink {
  readonly observations: (readonly [at: number, now: number | undefined])[] = [];
  readonly sightings: Sighting[] = [];
  learns(): boolean {
    return true;
  }
  observed(_: unknown, at: number, now?: number): void {
    this.observations.push([at, now]);
  }
  sighted(sighting: Sighting) {
    this.sightings.push(sighting);
    return "seen" as const;
  }
}

function workload(name: string, scrapedUntil: number | undefined, count = 0): WorkloadCalls {
  const calls = count === 0 ? [] : [{ host: "b.test1.svc.cluster.local", count, isDenied: false }];
  return { workload: { namespace: "test1", name, app: "a", version: name, canonicalService: "" }, isBelieved: true, scrapedUntil, calls };
}

const HOW = { mesh: MESH, now: 1_000, share: 0.2, observes: true, counts: () => true };

test("a fence was observed until the earliest of the last scrapes of its workloads, and not until now", () => {
  const sink = new Heard();
  learnCalls([workload("v1", 900), workload("v2", 400), workload("gone", undefined)], { ...HOW, sink });
  assert.deepEqual(sink.observations, [[400, 1_000]]);
});

test("nothing was observed by an answer that may be partial, and by workloads that nobody scrapes; their calls count", () => {
  for (const [workloads, observes] of [
    [[workload("v1", 900, 10)], false],
    [[workload("v1", undefined, 10)], true],
  ] as const) {
    const sink = new Heard();
    assert.equal(learnCalls(workloads, { ...HOW, sink, observes }).get("seen"), 1);
    assert.deepEqual(sink.observations, []);
  }
});

test("of a call the last scrape is the time, a part of the count is new, and nothing where others count", () => {
  for (const [counts, requests] of [
    [true, 2],
    [false, 0],
  ] as const) {
    const sink = new Heard();
    learnCalls([workload("v1", 900, 10)], { ...HOW, sink, counts: () => counts });
    assert.deepEqual(sink.sightings, [{ fence: FENCE, host: "b.test1.svc.cluster.local", port: 80, requests, at: 900, denied: false }]);
  }
});
