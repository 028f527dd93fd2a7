import assert from "node:assert/strict";
import { test } from "node:test";
import { type OutboundPolicies, registryOnlyNamespaces } from "./registry-only.ts";

type Sidecars = NonNullable<OutboundPolicies["defaultSidecars"]>;

const namespaces = ["istio-system", "shop", "test1"].map((name) => ({ metadata: { name } }));
const sidecar = (namespace: string, outbound?: "ALLOW_ANY" | "REGISTRY_ONLY") => ({ namespace, outbound });

const CASES: readonly (readonly [what: string, defaultSidecars: Sidecars | undefined, expected: readonly string[]])[] = [
  ["no Sidecars at all", undefined, []],
  ["a namespace's default", [sidecar("shop", "REGISTRY_ONLY")], ["shop"]],
  ["the root namespace's default", [sidecar("istio-system", "REGISTRY_ONLY")], ["istio-system", "shop", "test1"]],
  [
    "a default that opens what the root closes",
    [sidecar("istio-system", "REGISTRY_ONLY"), sidecar("shop", "ALLOW_ANY")],
    ["istio-system", "test1"],
  ],
  ["a default that closes what the root opens", [sidecar("istio-system", "ALLOW_ANY"), sidecar("shop", "REGISTRY_ONLY")], ["shop"]],
  [
    "a default that leaves it to the mesh, not to the root",
    [sidecar("istio-system", "REGISTRY_ONLY"), sidecar("shop")],
    ["istio-system", "test1"],
  ],
  ["several defaults: the strictest", [sidecar("shop", "ALLOW_ANY"), sidecar("shop", "REGISTRY_ONLY"), sidecar("shop")], ["shop"]],
  ["a namespace that was not seen yet", [sidecar("fresh", "REGISTRY_ONLY")], ["fresh"]],
];

for (const [what, defaultSidecars, expected] of CASES) {
  test(`T-05 REGISTRY_ONLY by ${what}: ${expected.join(", ") || "nobody"}`, () => {
    assert.deepEqual(registryOnlyNamespaces({ namespaces, defaultSidecars }, "istio-system").sort(), expected);
  });
}
