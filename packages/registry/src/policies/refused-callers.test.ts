import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuthorizationPolicy, PolicySource, Service } from "@fenceline/api";
import { CallPolicies } from "./call-policies.ts";
import { readRefused, refusedTexts, refuses } from "./refused-callers.ts";

const SERVICE = {
  metadata: { namespace: "shop", name: "b" },
  spec: { selector: { app: "b" }, clusterIP: "10.0.0.7", clusterIPs: ["10.0.0.7", "fd00::7"] },
} as unknown as Service;

function textsOf(action: "ALLOW" | "DENY", source: Partial<PolicySource>, service = SERVICE, routed = "") {
  const sources = [{ principals: [], namespaces: [], serviceAccounts: [], isConditional: false, ...source }];
  const policy: AuthorizationPolicy = {
    ...{ apiVersion: "security.istio.io/v1", kind: "AuthorizationPolicy", metadata: { namespace: "shop", name: "b", labels: {} } },
    spec: { action, selector: { app: "b" }, rules: [{ sources, isConditional: false }], isOfRevision: false },
  };
  return refusedTexts(new CallPolicies([policy]), service, "b.shop.svc.cluster.local", {
    callers: ["ops", "shop", "web"],
    isRouted: (namespace) => namespace === routed,
  });
}

test("issue 16: a Service that policies close is told with the namespaces that may call it, by its name and its addresses", () => {
  const principals = ["cluster.local/ns/ops/sa/a", "cluster.local/ns/web/*"];
  const hosts = ["b.shop.svc.cluster.local", "10.0.0.7", "fd00::7"];
  assert.deepEqual(
    textsOf("ALLOW", { principals }),
    hosts.map((host) => `only ${host} ops,web`),
  );
  assert.deepEqual(textsOf("ALLOW", { namespaces: ["elsewhere"] })[0], "only b.shop.svc.cluster.local ");
  assert.deepEqual(textsOf("ALLOW", { principals: ["*"] }), []);
});

test("issue 16: one that they leave open is told with the namespaces that may not, if there are any", () => {
  assert.deepEqual(textsOf("DENY", { namespaces: ["o*"] })[0], "not b.shop.svc.cluster.local ops");
  assert.deepEqual(textsOf("DENY", { principals: ["cluster.local/ns/ops/sa/a"] }), [], "another service account may");
  assert.deepEqual(textsOf("ALLOW", {}, { ...SERVICE, spec: {} } as unknown as Service), []);
});

test("issue 16: a namespace whose calls may get to other pods is told of as one that may call", () => {
  assert.equal(textsOf("ALLOW", { namespaces: ["ops"] }, SERVICE, "web")[0], "only b.shop.svc.cluster.local ops,web");
  assert.deepEqual(textsOf("DENY", { namespaces: ["ops"] }, SERVICE, "ops"), []);
});

test("issue 16: what is told is read back, and anything else says nothing", () => {
  const refusedTo = (text: string) => {
    const callers = readRefused(text);
    return callers && ["ops", "shop"].filter((namespace) => refuses(callers, namespace));
  };
  assert.deepEqual([refusedTo("only b ops,web"), refusedTo("not b ops"), refusedTo("only b ")], [["shop"], ["ops"], ["ops", "shop"]]);
  assert.deepEqual(["", "only", "only b", "maybe b ops", "only b ops more"].map(refusedTo), Array.from({ length: 5 }));
});
