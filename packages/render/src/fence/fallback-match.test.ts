import assert from "node:assert/strict";
import { test } from "node:test";
import { Config } from "@fenceline/api";
import { dispatchExpression, fallbackExpression } from "./fallback-match.ts";

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

test("a dot in a cluster domain or in a dispatch is a dot", () => {
  const own = fallbackExpression(Config.parse({ clusterDomain: "mesh.internal" }));
  assert.ok(matches(own, "b.test1.svc.mesh.internal"));
  assert.ok(!matches(own, "b.test1.svc.meshxinternal"));
  const dispatch = dispatchExpression({ name: "x", domains: ["*.partner.example", "gate.example"], cluster: "c" });
  for (const host of ["a.partner.example", "a.b.partner.example:80", "gate.example."]) assert.ok(matches(dispatch, host), host);
  for (const host of ["partner.example", "gatexexample", "agate.example"]) assert.ok(!matches(dispatch, host), host);
});
