import assert from "node:assert/strict";
import { test } from "node:test";
import { ADDRESS_KIND, WHOLE_MESH } from "@fenceline/api/vocabulary";
import { type OutboundPolicies, outboundEntries } from "./registry-only.ts";

const ROOT = "istio-system";
type Mode = "ALLOW_ANY" | "REGISTRY_ONLY";
const sidecar = (namespace: string, outbound?: Mode) => ({ namespace, outbound });
const plane = (outbound?: Mode, rootNamespace = ROOT) => ({ outbound, rootNamespace });
const open = (namespace: string): [string, number] => [namespace, ADDRESS_KIND.ALLOW_ANY];
const closed = (namespace: string): [string, number] => [namespace, ADDRESS_KIND.REGISTRY_ONLY];

const CASES: readonly (readonly [what: string, policies: OutboundPolicies, expected: readonly [string, number][]])[] = [
  ["nothing at all: nobody", {}, []],
  ["a namespace's default", { defaultSidecars: [sidecar("shop", "REGISTRY_ONLY")] }, [closed("shop")]],
  ["the root namespace's default: everybody", { defaultSidecars: [sidecar(ROOT, "REGISTRY_ONLY")] }, [closed(WHOLE_MESH)]],
  [
    "the root's, but for a default that opens it",
    { defaultSidecars: [sidecar(ROOT, "REGISTRY_ONLY"), sidecar("shop", "ALLOW_ANY")] },
    [closed(WHOLE_MESH), open("shop")],
  ],
  [
    "a default that closes what the root opens",
    { defaultSidecars: [sidecar(ROOT, "ALLOW_ANY"), sidecar("shop", "REGISTRY_ONLY")] },
    [closed("shop")],
  ],
  [
    "the root's, but for a default that leaves it to MeshConfig, not to the root",
    { defaultSidecars: [sidecar(ROOT, "REGISTRY_ONLY"), sidecar("shop")] },
    [closed(WHOLE_MESH), open("shop")],
  ],
  [
    "several defaults: the strictest",
    { defaultSidecars: [sidecar("shop", "ALLOW_ANY"), sidecar("shop", "REGISTRY_ONLY"), sidecar("shop")] },
    [closed("shop")],
  ],
  ["MeshConfig: everybody", { controlPlanes: [plane("REGISTRY_ONLY")] }, [closed(WHOLE_MESH)]],
  ["MeshConfig that says ALLOW_ANY: nobody", { controlPlanes: [plane("ALLOW_ANY")] }, []],
  [
    "MeshConfig, but for a default that opens it, and not for one that leaves it to MeshConfig",
    { controlPlanes: [plane("REGISTRY_ONLY")], defaultSidecars: [sidecar("shop", "ALLOW_ANY"), sidecar("test1")] },
    [closed(WHOLE_MESH), open("shop")],
  ],
  [
    "MeshConfig that the root's default opens: the namespaces that leave it to MeshConfig",
    {
      controlPlanes: [plane("REGISTRY_ONLY")],
      defaultSidecars: [sidecar(ROOT, "ALLOW_ANY"), sidecar("shop"), sidecar("test1", "ALLOW_ANY")],
    },
    [closed("shop")],
  ],
  [
    "MeshConfig that says ALLOW_ANY, and a default that closes",
    { controlPlanes: [plane("ALLOW_ANY")], defaultSidecars: [sidecar("shop", "REGISTRY_ONLY"), sidecar("test1")] },
    [closed("shop")],
  ],
  [
    "a root's default without a policy: MeshConfig's",
    { controlPlanes: [plane("REGISTRY_ONLY")], defaultSidecars: [sidecar(ROOT)] },
    [closed(WHOLE_MESH)],
  ],
  [
    "the MeshConfig of one of several revisions, whichever it is: everybody",
    { controlPlanes: [plane("ALLOW_ANY"), plane("REGISTRY_ONLY"), plane("ALLOW_ANY")] },
    [closed(WHOLE_MESH)],
  ],
  [
    "one of several revisions, but for a default that opens its namespace under each of them",
    { controlPlanes: [plane("ALLOW_ANY"), plane("REGISTRY_ONLY")], defaultSidecars: [sidecar("shop", "ALLOW_ANY"), sidecar("test1")] },
    [closed(WHOLE_MESH), open("shop")],
  ],
  ["no one of several revisions: nobody", { controlPlanes: [plane("ALLOW_ANY"), plane("ALLOW_ANY", "canary-root")] }, []],
  [
    "the default of one revision's root namespace: everybody, but for a namespace with its own",
    {
      controlPlanes: [plane("ALLOW_ANY"), plane("ALLOW_ANY", "canary-root")],
      defaultSidecars: [sidecar("canary-root", "REGISTRY_ONLY"), sidecar("shop")],
    },
    [closed(WHOLE_MESH), open("shop")],
  ],
  [
    "one revision, although the root's default of another opens that other one",
    { controlPlanes: [plane("REGISTRY_ONLY", "canary-root"), plane("REGISTRY_ONLY")], defaultSidecars: [sidecar(ROOT, "ALLOW_ANY")] },
    [closed(WHOLE_MESH), open(ROOT)],
  ],
];

for (const [what, policies, expected] of CASES) {
  test(`T-05 REGISTRY_ONLY by ${what}`, () => {
    assert.deepEqual([...outboundEntries(policies, ROOT)], expected);
  });
}
