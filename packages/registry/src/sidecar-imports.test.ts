import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SidecarImports } from "./sidecar-imports.ts";

const OWN = "shop";
const nothing = () => [];

for (const [hosts, shown, hidden] of [
  [["./*"], ["shop/a.com"], ["db/a.com"]],
  [["*/*"], ["shop/a.com", "db/*.b.com"], []],
  [["*/a.com"], ["shop/a.com", "db/a.com"], ["db/b.com"]],
  [["db/*"], ["db/a.com"], ["shop/a.com"]],
  [["db/*.a.com"], ["db/b.a.com", "db/*.b.a.com"], ["db/a.com", "db/*.com"]],
  [["~/*"], [], ["shop/a.com"]],
  [["*/*", "~/*"], [], ["shop/a.com"]],
  [["~db/*", "*/*"], ["shop/a.com"], ["db/a.com"]],
  [["*/*", "~db/a.com"], ["db/b.com", "shop/a.com"], ["db/a.com"]],
  [["*/*", "~/a.com"], ["db/b.com"], ["db/a.com", "shop/a.com"]],
  [["*/*", "~./*"], ["db/a.com"], ["shop/a.com"]],
  [["a.com", "db/b/c", "db/b.com"], ["db/b.com"], ["shop/a.com", "db/a.com"]],
  [[], [], ["shop/a.com"]],
] as const)
  test(`issue 16: what [${hosts.join(", ")}] of a Sidecar shows, as istiod reads it`, () => {
    const imports = new SidecarImports([hosts], OWN);
    const shows = (egress: string) => imports.shows(...(egress.split("/") as [string, string]));
    assert.deepEqual(shown.filter(shows), shown);
    assert.deepEqual(hidden.filter(shows), []);
  });

for (const [hosts, egress, expected] of [
  [["./*", "istio-system/*"], "*/*", ["shop/*", "istio-system/*"]],
  [["db/*"], "*/a.com", ["db/a.com"]],
  [["*/*.a.com"], "db/*", ["db/*.a.com"]],
  [["*/*.a.com"], "db/*.b.a.com", ["db/*.b.a.com"]],
  [["*/*.a.com"], "db/a.com", []],
  [["*/*", "~db/*"], "db/*", []],
  [["*/*", "~db/a.com"], "shop/*", ["shop/*"]],
] as const)
  test(`issue 16: of ${egress} a Sidecar with [${hosts.join(", ")}] shows ${expected.join(", ") || "nothing"}`, () => {
    assert.deepEqual(new SidecarImports([hosts], OWN).within(egress, nothing), expected);
  });

test("issue 16: of a wildcard from which something is taken away the known hosts are left", () => {
  const known = (namespace: string) =>
    [
      { namespace: "db", host: "a.com" },
      { namespace: "db", host: "b.com" },
    ].filter(() => namespace === "db");
  assert.deepEqual(new SidecarImports([["*/*", "~/a.com"]], OWN).within("db/*", known), ["db/b.com"]);
});

const namespace = fc.constantFrom("shop", "db", "web");
const label = fc.constantFrom("a", "b");
const exact = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join("."));
const pattern = fc.oneof(
  exact,
  fc.constant("*"),
  fc.array(label, { minLength: 1, maxLength: 2 }).map((labels) => `*.${labels.join(".")}`),
);
const imported = fc.tuple(fc.oneof(namespace, fc.constantFrom("*", ".")), pattern).map((parts) => parts.join("/"));
const excluded = fc.tuple(fc.oneof(namespace, fc.constantFrom("", "*", ".")), pattern).map((parts) => `~${parts.join("/")}`);
const hosts = fc.array(fc.oneof({ weight: 3, arbitrary: imported }, excluded), { maxLength: 5 });
const services = fc.uniqueArray(fc.record({ namespace, host: exact }), { maxLength: 12, selector: (each) => JSON.stringify(each) });

/** The rule as Istio's documentation of `hosts` has it, for a Service. */
function isShown(list: readonly string[], service: { readonly namespace: string; readonly host: string }): boolean {
  const takes = (entry: string) => {
    const [of = "", name = ""] = entry.split("/");
    const isHost = name.startsWith("*") ? service.host.endsWith(name.slice(1)) : service.host === name;
    return isHost && ["*", "", service.namespace].includes(of === "." ? OWN : of);
  };
  const isExclusion = (entry: string) => entry.startsWith("~");
  const isExcluded = list.filter(isExclusion).some((entry) => takes(entry.slice(1)));
  return !isExcluded && list.filter((entry) => !isExclusion(entry)).some(takes);
}

test("issue 16: a Service is shown where each Sidecar imports it and none excludes it", () => {
  fc.assert(
    fc.property(fc.array(hosts, { minLength: 1, maxLength: 2 }), services, (sidecars, all) => {
      const imports = new SidecarImports(sidecars, OWN);
      for (const service of all)
        assert.equal(
          imports.shows(service.namespace, service.host),
          sidecars.every((list) => isShown(list, service)),
        );
    }),
    { numRuns: 2_000 },
  );
});

test("issue 16: what is left of an entry has the Services that it and the Sidecars show, and no other", () => {
  fc.assert(
    fc.property(fc.array(hosts, { minLength: 1, maxLength: 2 }), imported, services, (sidecars, entry, all) => {
      const egress = entry.replace(/^\.\//, `${OWN}/`);
      const known = (of: string) => all.filter((each) => of === "*" || each.namespace === of);
      const left = new SidecarImports(sidecars, OWN).within(egress, known);
      assert.ok(
        left.every((each) => !each.startsWith("~")),
        "no Istio before 1.31 takes it",
      );
      for (const service of all)
        assert.equal(
          isShown(left, service),
          [...sidecars, [egress]].every((list) => isShown(list, service)),
          `${service.namespace}/${service.host} of ${left}`,
        );
    }),
    { numRuns: 2_000 },
  );
});
