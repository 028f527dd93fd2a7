import assert from "node:assert/strict";
import { test } from "node:test";
import { base, limiters, limiterText, rule } from "../testing/limiters.ts";

const times = <T>(count: number, of: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => of(index));
/**
 * Milliseconds of the processor. Each is far below where work grows with what there is to do, and
 * far beyond where it is squared.
 */
const SLOW = 5_000;

function timed<T>(of: () => T): readonly [T, number] {
  const before = process.cpuUsage();
  const result = of();
  return [result, process.cpuUsage(before).user / 1_000];
}

const ADDRESSES = times(140, (index) => `10.${index >> 8}.${index & 255}.1`)
  .join(",")
  .slice(0, 1_000)
  .replace(/,[^,]*$/, "");

test("T-08 a limiter of a few kilobytes cannot ask for an EnvoyFilter of gigabytes: the first rules that fit are in force", () => {
  const route = times(100, (index) => `h${index}:80/r`);
  const everywhere = { target: { direction: "outbound", route } };
  const match = [
    { matchSource: "SourceIpMatch", exactMatch: ADDRESSES },
    { name: "x", prefixMatch: "p".repeat(1_000) },
  ];
  const rules = [rule(everywhere), ...times(99, () => rule({ ...everywhere, match }))];
  const [desired, took] = timed(() => limiters([limiterText("a", base(...rules))])("a"));
  const size = JSON.stringify(desired.objects).length;
  assert.ok(size > 10_000 && size < 1_500_000, `${size} characters`);
  assert.ok(took < SLOW, `${took} ms`);
  assert.equal(desired.refused?.reason, "TooManyRules");
  assert.deepEqual(
    [desired.status.rules?.[0]?.active, desired.status.rules?.[1]?.active, desired.status.rules?.[1]?.reason],
    [true, false, "TooManyRules"],
  );
  assert.equal(desired.status.conditions?.find(({ type }) => type === "Rendered")?.reason, "TooManyRules");
});

test("T-08 rules of every port do not make those of each port unbounded: they stand there once more", () => {
  const wide = times(90, () => rule({ match: [{ matchSource: "SourceIpMatch", exactMatch: ADDRESSES }] }));
  const narrow = times(900, (index) => rule({ target: { port: index + 1 } }));
  const sets = { _base: { descriptor: [...wide.slice(0, 10), ...narrow.slice(0, 90)] } };
  const others = times(9, (index) =>
    limiterText(
      `b${index}`,
      { workloadSelector: { app: "a" }, ...base(...narrow.slice(index * 100, index * 100 + 100)) },
      { createdAt: "2026-01-01T01:00:00Z" },
    ),
  );
  const [desired, took] = timed(() => limiters([limiterText("a", { sets }), ...others])("a"));
  const size = JSON.stringify(desired.objects).length;
  assert.ok(size > 500_000 && size < 1_500_000, `${size} characters`);
  assert.ok(took < SLOW, `${took} ms`);
});

test("T-08 a newcomer takes no place of an older limiter for the same pods, and is told", () => {
  const old = limiterText("old", { workloadSelector: { app: "a" }, ...base(rule({ name: "mine" })) });
  const route = times(100, (index) => `h${index}:80/r`);
  const flood = base(...times(100, () => rule({ target: { direction: "outbound", route } })));
  const young = limiterText("a-young", { workloadSelector: { app: "a" }, ...flood }, { createdAt: "2026-01-01T01:00:00Z" });
  const desired = limiters([young, old]);
  assert.deepEqual([desired("old").status.rules?.[0]?.active, desired("old").refused], [true, undefined]);
  assert.equal(desired("a-young").refused?.reason, "TooManyRules");
});

test("T-08 a limiter has 1,000 rules at most, and says from where on they are left out", () => {
  const set = (index: number) => [index === 0 ? "_base" : `v${index}`, { descriptor: times(100, () => rule()) }] as const;
  const sets = Object.fromEntries(times(20, set));
  const [desired, took] = timed(() => limiters([limiterText("a", { sets })])("a"));
  assert.match(desired.refused?.message ?? "", /^spec\.sets\.v10\.descriptor\[0\]: a limiter has 1,000 rules at most/);
  assert.equal(desired.status.rules?.length, 1_000);
  assert.ok(took < SLOW, `${took} ms`);
});

test("T-08 10,000 sets hold nobody up: beyond 1,000 of a namespace a limiter is refused, and the older ones go on", () => {
  const sets = Object.fromEntries(
    times(10_000, (index) => [`v${index}`, { descriptor: [rule({}, { quota: `100 / default(values["v${index}.pod"], 1)` })] }]),
  );
  const subsets = times(10_000, (index) => ({ name: `v${index}`, labels: { version: `v${index}` } }));
  const destinationRule = {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "DestinationRule",
    metadata: { name: "a", namespace: "shop" },
    spec: { host: "b", subsets },
  };
  const services = times(2_000, (index) =>
    JSON.stringify({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: `s${index}`, namespace: "shop" },
      spec: { selector: { app: `s${index}` } },
    }),
  );
  const desired = limiters([
    JSON.stringify(destinationRule),
    ...services,
    limiterText("a", base(rule())),
    limiterText("b", { sets }, { createdAt: "2026-01-01T01:00:00Z" }),
  ]);
  const [[a, b], took] = timed(() => [desired("a"), desired("b")] as const);
  assert.ok(took < SLOW, `${took} ms`);
  assert.equal(a.refused, undefined);
  assert.equal(b.refused?.reason, "RuleInvalid");
  assert.equal(b.status.conditions?.find(({ type }) => type === "ResolvedRefs")?.reason, "TooManySets");
  assert.equal(b.objects.length, 0);
});

test("T-08 a thousand limiters of a namespace are looked at in the time of a thousand, and not of a million", () => {
  const names = times(1_000, (index) => `l${index}`);
  const services = names.map((name) =>
    JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name, namespace: "shop" }, spec: { selector: { app: name } } }),
  );
  const desired = limiters([
    ...services,
    ...names.map((name) => limiterText(name, { workloadSelector: {}, ...base(...times(3, () => rule())) })),
  ]);
  const [all, took] = timed(() => names.map((name) => desired(name)));
  assert.ok(took < SLOW, `${took} ms`);
  assert.ok(all.every(({ objects }) => objects.length === 1));
});

test("T-08 sets whose names contradict each other, or are words of JavaScript, do not stop the limiters beside", () => {
  const sets = { constructor: { descriptor: [rule()] }, v1: { descriptor: [rule({}, { quota: "values['v1.pod']" })] } };
  const desired = limiters([limiterText("a", { sets }), limiterText("b", base(rule()))]);
  assert.equal(desired("b").objects.length, 1);
  assert.equal(desired("a").refused?.reason, "PodsUnknown");
  for (const name of ["v1.pod", "../../../x", "a/b", "a b", ""])
    assert.throws(
      () =>
        limiters([
          `{"apiVersion":"microservice.slime.io/v1alpha2","kind":"SmartLimiter","metadata":{"name":"a","namespace":"shop"},"spec":{"sets":{${JSON.stringify(name)}:{}}}}`,
        ]),
      /LIMITER_INVALID|MANIFESTS_INVALID/,
      name,
    );
});
