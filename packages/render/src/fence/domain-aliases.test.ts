import assert from "node:assert/strict";
import { test } from "node:test";
import { DomainAliases } from "./domain-aliases.ts";

const HOST = "web.shop.svc.cluster.local";
const NAMED = "(?P<service>[^.]+)\\.(?P<namespace>[^.]+)\\.svc\\.cluster\\.local$";

const CASES: readonly (readonly [what: string, pattern: string, templates: readonly string[], hosts: readonly string[]])[] = [
  ["groups by name", NAMED, ["$namespace.$service.legacy"], ["shop.web.legacy"]],
  ["groups by name in braces", NAMED, ["$" + "{namespace}x.legacy"], ["shopx.legacy"]],
  ["groups by number", "^([^.]+)\\.([^.]+)\\.svc", ["$2.$1.legacy"], ["shop.web.legacy"]],
  ["the longest name, as in Go: there is no such group", NAMED, ["a$namespacex.legacy"], ["a.legacy"]],
  ["several templates", NAMED, ["$service.one", "$service.two", "$service.one"], ["web.one", "web.two"]],
  ["no match", "^other", ["x.legacy"], []],
  ["two matches say nothing of which", "s", ["x.legacy"], []],
  ["what is no host is left out", NAMED, ["$nothing", "a b", "$$service", "UPPER"], []],
  ["the host itself is there already", NAMED, [HOST], []],
  ["a namespace as a whole", NAMED, ["$service/*"], ["web/*"]],
];

for (const [what, pattern, templates, hosts] of CASES)
  test(`row 22: aliases of a host: ${what}`, () => {
    const aliases = new DomainAliases([{ pattern, templates: [...templates] }]);
    assert.deepEqual([aliases.of(HOST), aliases.faults], [hosts, []]);
  });

test("row 22: a bad rule is told with its place, and disables only itself", () => {
  const aliases = new DomainAliases([
    { pattern: "(", templates: ["x"] },
    { pattern: "^web", templates: [] },
    { pattern: "(?=web)", templates: ["x"] },
    { pattern: "\\Qweb\\E", templates: ["x"] },
    { pattern: "^web\\.", templates: ["web.legacy"] },
  ]);
  assert.deepEqual(aliases.of(HOST), ["web.legacy"]);
  assert.deepEqual(
    aliases.faults.map(({ path }) => path),
    ["domainAliases[0].pattern", "domainAliases[1].templates", "domainAliases[2].pattern", "domainAliases[3].pattern"],
  );
});

test("T-08 a host that nested repetitions of a pattern fail on late is answered at once", () => {
  const aliases = new DomainAliases([{ pattern: "^(a+)+$", templates: ["x.legacy"] }]);
  const { user: before } = process.cpuUsage();
  assert.deepEqual(aliases.of(`${"a".repeat(63)}.shop`), []);
  assert.ok(process.cpuUsage().user - before < 100_000);
});
