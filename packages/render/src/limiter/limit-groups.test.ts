import assert from "node:assert/strict";
import { test } from "node:test";
import { compareText, type Labels, labelsDiffer } from "@fenceline/api";
import fc from "fast-check";
import { type LimitedPods, type LimitGroup, LimitGroups, labelsText } from "./limit-groups.ts";
import { LOCAL_LIMIT_NAME } from "./render-limits.ts";

const LIMITERS = ["a", "b", "c", "d"] as const;
const LABELS: readonly Labels[] = [{ app: "x" }, { app: "y" }, { app: "x", tier: "t" }, { tier: "t", app: "x" }, { zone: "z" }];

const change = fc.record({
  limiter: fc.constantFrom(...LIMITERS),
  createdAt: fc.constantFrom(0, 1),
  labels: fc.array(fc.constantFrom(...LABELS), { maxLength: 3 }),
});

/** The rule as it is said, worked out from all sets at once. */
function groupsOf(limiters: ReadonlyMap<string, readonly LimitedPods[]>): readonly LimitGroup[] {
  const sizeOf = ({ labels }: LimitedPods) => Object.keys(labels).length;
  const byAge = [...limiters.values()]
    .flat()
    .sort((a, b) => a.createdAt - b.createdAt || compareText(a.limiter, b.limiter) || sizeOf(a) - sizeOf(b));
  const groups = [...Map.groupBy(byAge, ({ labels }) => labelsText(labels)).values()];
  return groups.map((members, index) => {
    const [owner] = members as [LimitedPods];
    const isShared = groups.slice(0, index).some(([older]) => !labelsDiffer(older?.labels ?? {}, owner.labels));
    return { owner, members, filterName: isShared ? `${LOCAL_LIMIT_NAME}.${owner.limiter}.${owner.set}` : LOCAL_LIMIT_NAME };
  });
}

test("law: after any changes of limiters the groups are what the rule says, and whoever has another group is told", () => {
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
      const groups = new LimitGroups();
      const limiters = new Map<string, readonly LimitedPods[]>();
      const seen = () => new Map(LIMITERS.map((name) => [name, JSON.stringify(groups.of(name).map(textOf).sort())]));
      for (const { limiter, createdAt, labels } of changes) {
        const before = seen();
        limiters.set(
          limiter,
          labels.map((each, index) => ({ limiter, createdAt, set: `s${index}`, labels: each })),
        );
        const told = groups.put(limiter, limiters.get(limiter) ?? []);
        const after = seen();
        const expected = groupsOf(limiters);
        for (const name of LIMITERS) {
          const own = expected.filter(({ members }) => members.some((member) => member.limiter === name));
          assert.equal(after.get(name), JSON.stringify(own.map(textOf).sort()));
          if (!told.has(name)) assert.equal(after.get(name), before.get(name), `${name} was not told`);
        }
      }
    }),
    { numRuns: 500 },
  );
});

function textOf({ owner, members, filterName }: LimitGroup): string {
  return JSON.stringify([filterName, owner.limiter, owner.set, members.map(({ limiter, set, createdAt }) => [limiter, set, createdAt])]);
}

test("issue 14: a limiter's change tells those of its own pods alone, however many others there are", () => {
  const groups = new LimitGroups();
  const pods = (limiter: string, app: string): LimitedPods => ({ limiter, createdAt: 0, set: "_base", labels: { app } });
  for (let index = 0; index < 1_000; index++) groups.put(`l${index}`, [pods(`l${index}`, `app-${index % 500}`)]);
  assert.deepEqual([...groups.put("l7", [pods("l7", "app-7")])].sort(), ["l507", "l7"]);
  assert.deepEqual([...groups.put("l7", [])].sort(), ["l507", "l7"]);
});
