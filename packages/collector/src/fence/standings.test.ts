/** T-18: which of the fences for the same pods are in force follows from the fences alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Labels, SelectorIndex, ServiceFence } from "@fenceline/api";
import fc from "fast-check";
import type { FenceOfPods } from "../fence-table.ts";
import { mayMeet } from "./conflict.ts";
import { Standings } from "./standings.ts";

interface Given {
  readonly name: string;
  /** Seconds: of two that are made at once the first by name comes first. */
  readonly madeAt: number;
  readonly labels: Labels;
  readonly isOff: boolean;
}

const fenceOf = ({ name, madeAt, isOff }: Given) =>
  ServiceFence.parse({
    apiVersion: "microservice.netease.com/v1alpha1",
    kind: "ServiceFence",
    metadata: { name, namespace: "test1", creationTimestamp: `2026-01-01T00:00:0${madeAt}Z` },
    spec: { enable: !isOff },
  });

function standingsOf(given: readonly Given[], pods: readonly Labels[]) {
  const all = given.map((each) => ({ fence: fenceOf(each), labels: each.labels }));
  const table = new SelectorIndex<FenceOfPods>();
  for (const each of all) table.add(each.fence.metadata.name, each);
  const standings = new Standings({ besides: (_, labels) => table.besides(labels), podsOf: () => pods });
  return { all, standings };
}

/** From the oldest to the youngest, each that meets none that is in force already. */
function inForce(given: readonly Given[], pods: readonly Labels[]): readonly string[] {
  const chosen: Given[] = [];
  for (const each of given.toSorted((a, b) => a.madeAt - b.madeAt || (a.name < b.name ? -1 : 1)))
    if (!each.isOff && chosen.every(({ labels }) => !mayMeet(labels, each.labels, pods))) chosen.push(each);
  return chosen.map(({ name }) => name).sort();
}

const LABELS = fc.dictionary(fc.constantFrom("app", "tier", "zone"), fc.constantFrom("1", "2"), { minKeys: 1, maxKeys: 3 });
const GIVEN = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom(..."abcdefghijkl"),
    madeAt: fc.integer({ min: 0, max: 3 }),
    labels: LABELS,
    isOff: fc.boolean(),
  }),
  { selector: ({ name }) => name, maxLength: 12 },
);

test("T-18 those in force are the ones of the greedy order by age and name, whoever is asked for first", () => {
  fc.assert(
    fc.property(GIVEN, fc.array(LABELS, { maxLength: 3 }), fc.infiniteStream(fc.nat()), (given, pods, random) => {
      const { all, standings } = standingsOf(given, pods);
      const asked = all.map((each) => [random.next().value as number, each] as const).sort(([a], [b]) => a - b);
      const isInForce = new Map(asked.map(([, each]) => [each.fence.metadata.name, !standings.givesWay(each)]));
      const names = given.flatMap(({ name, isOff }) => (!isOff && isInForce.get(name) === true ? [name] : [])).sort();
      assert.deepEqual(names, inForce(given, pods));
      for (const each of all) {
        const rivals = standings.rivalsOf(each).map(({ metadata }) => metadata.name);
        assert.equal(rivals.length > 0, standings.givesWay(each), "one gives way to somebody");
        for (const rival of rivals) assert.ok(names.includes(rival), "and who that is is in force");
      }
    }),
  );
});

test("T-18 a chain of ten thousand fences, each of which meets the next one, is judged whole", () => {
  const count = 10_000;
  const given = Array.from({ length: count }, (_, at) => ({
    name: String(at).padStart(5, "0"),
    madeAt: 0,
    labels: { [`k${at}`]: "1", [`k${at + 1}`]: "1" },
    isOff: false,
  }));
  const fences = given.map((each) => ({ fence: fenceOf(each), labels: each.labels }));
  const besides = (_: string, labels: Labels) => {
    const at = Number(Object.keys(labels)[0]?.slice(1));
    return [at - 1, at, at + 1].flatMap((each) => fences[each] ?? []);
  };
  const standings = new Standings({ besides, podsOf: () => [] });
  assert.equal(standings.givesWay(fences.at(-1) as (typeof fences)[0]), true);
  assert.equal(standings.givesWay(fences.at(-2) as (typeof fences)[0]), false);
});
