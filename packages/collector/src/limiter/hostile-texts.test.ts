import assert from "node:assert/strict";
import { test } from "node:test";
import type { EnvoyFilter } from "@fenceline/api";
import { faultOf, withoutEnvoy as skip } from "../testing/envoy-judgement.ts";
import { base, limiters, limiterText, rule } from "../testing/limiters.ts";
import { patchedBootstrap } from "../testing/patched-bootstrap.ts";

const matching = (...match: readonly object[]) => rule({ match });

const REFUSED: readonly (readonly [what: string, rule: object, says: RegExp])[] = [
  ["a look-ahead", matching({ name: "x", regexMatch: "a(?=b)" }), /regexMatch .*look ahead/],
  ["a group that is open", matching({ name: "x", regexMatch: "(a" }), /regexMatch .*no \) to a group/],
  ["a path that closes our own group", matching({ matchSource: "PathMatch", regexMatch: "a)|(.*" }), /regexMatch .*no \( to a \)/],
  ["a query that repeats too often", matching({ matchSource: "QueryMatch", name: "q", regexMatch: "(a{1000}){1000}" }), /regexMatch/],
  ["a header with a blank", matching({ name: "x y", exactMatch: "a" }), /"x y" is no name of a header/],
  ["a header with a line end", matching({ name: "x\r\ny", distinct: true }), /is no name of a header/],
  ["a cost with a command", rule({}, { cost: { header: "x)%%ENVIRONMENT(HOME" } }), /cost: .* is no name of a header/],
  ["an added header with a blank", rule({}, { headersToAdd: [{ key: "x y", value: "1" }] }), /headersToAdd: "x y"/],
  ["an added pseudo header", rule({}, { headersToAdd: [{ key: ":status", value: "200" }] }), /headersToAdd: Envoy sets ":status"/],
  ["an added Host", rule({}, { headersToAdd: [{ key: "Host", value: "a" }] }), /headersToAdd: Envoy sets "Host"/],
  ["an added header with two lines", rule({}, { headersToAdd: [{ key: "x", value: "1\r\nset-cookie: a=b" }] }), /line end/],
  ["an address list with nothing in it", matching({ matchSource: "SourceIpMatch", exactMatch: "" }), /needs exactMatch/],
];

for (const [what, wrong, says] of REFUSED)
  test(`T-50 ${what} is refused with its rule, before an Envoy refuses all routes of its pods`, () => {
    const desired = limiters([limiterText("a", base(wrong, rule({ name: "good" })))])("a");
    assert.equal(desired.refused?.reason, "RuleInvalid");
    assert.match(desired.refused?.message ?? "", /^spec\.sets\._base\.descriptor\[0\]/);
    assert.match(desired.refused?.message ?? "", says);
    assert.deepEqual(
      desired.status.rules?.map(({ rule: name, active }) => [name, active]),
      [["good", true]],
    );
    assert.equal(desired.objects.length, 1);
  });

const TAKEN: readonly (readonly [what: string, ...rules: readonly object[]])[] = [
  [
    "added headers with percent signs",
    rule(
      {},
      {
        headersToAdd: [
          { key: "x-a", value: "100%" },
          { key: "x-b", value: "%NO(such)% %" },
        ],
      },
    ),
  ],
  [
    "empty texts beside what counts",
    matching({ name: "x", regexMatch: "", prefixMatch: "", suffixMatch: "", exactMatch: "" }),
    matching({ name: "x", prefixMatch: "", presentMatch: true }),
  ],
  ["one custom descriptor twice", rule({ customKey: "k", customValue: "v" }), rule({ customKey: "k", customValue: "v" })],
  ["an empty custom key", rule({ customKey: "", customValue: "v" })],
  [
    "lengths of time that are no round numbers",
    rule({}, { fillInterval: { nanos: 123_456_789 } }),
    rule({}, { fillInterval: { seconds: 7, nanos: 999_999_999 } }),
    rule({}, { fillInterval: { seconds: 999_999_999 } }),
  ],
  ["the least and the most", rule({}, { quota: "1e300", fillInterval: { nanos: 50_000_000 } }), rule({}, { quota: "4294967295" })],
  [
    "a pseudo header, a path and a method of any text",
    matching({ name: ":authority", suffixMatch: ".com\n" }),
    matching({ matchSource: "PathMatch", suffixMatch: "\\E(.*[" }),
    matching({ matchSource: "MethodMatch", prefixMatch: "P" }),
  ],
  ["a flag and a quoted text", matching({ matchSource: "PathMatch", regexMatch: "(?i)/a\\Q.(\\E.*" })],
  ["a cost by a header of an odd name", rule({}, { cost: { header: "x_!#$&'*+.^`|~-1" } })],
  ["places with blanks in their names", rule({ target: { direction: "outbound", route: ["a/b c", "a b/c"] } })],
];

for (const [what, ...rules] of TAKEN)
  test(`T-50 a real Envoy takes ${what}`, { skip }, () => {
    const desired = limiters([limiterText("a", base(...rules))])("a");
    assert.equal(desired.refused, undefined);
    const [filter] = desired.objects as readonly EnvoyFilter[];
    assert.ok(filter);
    assert.equal(faultOf(patchedBootstrap(filter)), "");
  });

test("T-50 what an added header says is said as it was written, and no command of Envoy is run", () => {
  const [filter] = limiters([limiterText("a", base(rule({}, { headersToAdd: [{ key: "x", value: "%REQ(authorization)%" }] })))])(
    "a",
  ).objects;
  assert.match(JSON.stringify(filter), /"value":"%%REQ\(authorization\)%%"/);
});

test("T-50 places whose names have blanks are two, not one", () => {
  const [filter] = limiters([limiterText("a", base(rule({ target: { direction: "outbound", route: ["a/b c", "a b/c"] } })))])("a")
    .objects as readonly EnvoyFilter[];
  const routes = filter?.spec.configPatches.flatMap(({ match }) => match?.routeConfiguration?.vhost?.route?.name ?? []);
  assert.deepEqual(new Set(routes), new Set(["b c", "c"]));
});

test("T-50 a subset with capitals, or a name that is as long as one may be, gives an EnvoyFilter whose name an API server takes", () => {
  const subsets = [{ name: "V-1", labels: { version: "1" } }];
  const rules = {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "DestinationRule",
    metadata: { name: "a", namespace: "shop" },
    spec: { host: "a", subsets },
  };
  const long = "l".repeat(253);
  const desired = limiters([
    JSON.stringify(rules),
    limiterText("a", { sets: { "V-1": { descriptor: [rule()] } } }),
    limiterText(long, { workloadSelector: { app: "b" }, ...base(rule()) }),
  ]);
  for (const name of ["a", long]) assert.match(desired(name).objects[0]?.metadata.name ?? "", /^ratelimit-[0-9a-f]{16}$/);
});
