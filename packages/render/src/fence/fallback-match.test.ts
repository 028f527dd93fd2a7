import assert from "node:assert/strict";
import { test } from "node:test";
import { Config } from "@fenceline/api";
import { dispatchExpression, fallbackExpression, orderedDispatches } from "./fallback-match.ts";

/**
 * Envoy matches the whole value with RE2; what is used here means the same in both. `(?i)` in front
 * is JavaScript's flag.
 */
function matches(expression: string, authority: string): boolean {
  return new RegExp(`^(?:${expression.replace("(?i)", "")})$`, expression.startsWith("(?i)") ? "i" : "").test(authority);
}

const expression = fallbackExpression(Config.parse({}));

for (const authority of [
  "b",
  "b:8080",
  "b.",
  "b.test1",
  "b.test1:80",
  "B.TEST1.SVC",
  "b.test1.svc",
  "b.test1.svc.cluster.local",
  "b.test1.svc.cluster.local.:80",
  "web-0.web.shop.svc",
  "10.78.111.197",
  "10.78.111.197:80",
  "[fd00::1]",
  "[fd00::1]:80",
]) {
  test(`${authority} goes to the fallback`, () => assert.ok(matches(expression, authority)));
}

for (const authority of [
  "www.example.com",
  "api.partner.example:443",
  "b.test1.svc.cluster.locals",
  "b.test1.svcs",
  "bxsvc.a.b",
  "a.b.c",
  "1.2.3.4.5",
  "",
]) {
  test(`${authority || "an empty host"} does not`, () => assert.ok(!matches(expression, authority)));
}

test("T-17 a dispatch takes * for every host, and at the beginning or the end of one, as a virtual host does", () => {
  const cases = [
    ["*", ["a", "www.partner.example:8080", "[::1]"], []],
    ["www.*", ["www.partner.example", "www.a:80"], ["www.", "awww.a"]],
    ["*-web.example", ["a-web.example:80", "a.b-web.example"], ["-web.example", "web.example"]],
    ["*.example:8080", ["a.example:8080"], ["a.example", "a.example:80"]],
  ] as const;
  for (const [domain, taken, others] of cases) {
    const { fallback } = Config.parse({ fallback: { dispatches: [{ name: "x", domains: [domain], cluster: "c" }] } });
    const [dispatch] = orderedDispatches(fallback.dispatches);
    const expression = dispatchExpression(dispatch ?? assert.fail());
    for (const host of taken) assert.ok(matches(expression, host), `${domain}: ${host}`);
    for (const host of others) assert.ok(!matches(expression, host), `${domain}: ${host}`);
  }
});

test("T-17 a dispatch for * takes what no other one does, wherever it stands", () => {
  const all = { name: "all", domains: ["*", "b.example"], cluster: "PassthroughCluster" };
  const gate = { name: "gate", domains: [], domainRegex: "gate", cluster: "g" };
  assert.deepEqual(
    orderedDispatches([all, gate]).map(({ name, domains }) => [name, domains]),
    [
      ["all", ["b.example"]],
      ["gate", []],
      ["all", ["*"]],
    ],
  );
});

test("rows 78, 79: by Slime's recipes IPv4 addresses pass, and all hosts but names of Services", () => {
  const { fallback } = Config.parse({
    fallback: {
      dispatches: [
        { name: "all", domains: ["*"], cluster: "PassthroughCluster" },
        { name: "ipv4", domainRegex: "([0-9]+\\.){3}[0-9]+(:[0-9]+)?", cluster: "PassthroughCluster" },
        { name: "services", domains: ["*.svc.cluster.local"], cluster: "_GLOBAL_SIDECAR" },
        { name: "short", domainRegex: "[^.]+", cluster: "_GLOBAL_SIDECAR" },
      ],
    },
  });
  const routes = orderedDispatches(fallback.dispatches);
  const clusterOf = (host: string) => routes.find((dispatch) => matches(dispatchExpression(dispatch), host))?.cluster;
  for (const host of ["10.0.0.1", "10.0.0.1:8080", "www.example.com", "b.test1"]) assert.equal(clusterOf(host), "PassthroughCluster", host);
  for (const host of ["b", "b:8080", "b.test1.svc.cluster.local:80"]) assert.equal(clusterOf(host), "_GLOBAL_SIDECAR", host);
});

test("a dot in a cluster domain or in a dispatch is a dot", () => {
  const own = fallbackExpression(Config.parse({ clusterDomain: "mesh.internal" }));
  assert.ok(matches(own, "b.test1.svc.mesh.internal"));
  assert.ok(!matches(own, "b.test1.svc.meshxinternal"));
  const dispatch = dispatchExpression({ name: "x", domains: ["*.partner.example", "gate.example"], cluster: "c" });
  for (const host of ["a.partner.example", "a.b.partner.example:80", "gate.example."]) assert.ok(matches(dispatch, host), host);
  for (const host of ["partner.example", "gatexexample", "agate.example"]) assert.ok(!matches(dispatch, host), host);
});
