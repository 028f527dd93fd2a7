import type { EnvoyFilter, RenderedMeta, Sidecar } from "@fenceline/api";

export const FENCE = { namespace: "test1", name: "a" };
/** The fence as an owner. */
export const OWNER = { kind: "ServiceFence", ...FENCE };
export const FENCE_UID = "11111111-1111-4111-8111-111111111111";

const FENCE_OWNER = { apiVersion: "microservice.slime.io/v1alpha1", kind: "ServiceFence", name: "a", uid: FENCE_UID };

export const OWNED: RenderedMeta = {
  ...FENCE,
  labels: { "app.kubernetes.io/managed-by": "fenceline" },
  ownerReferences: [{ ...FENCE_OWNER, controller: true, blockOwnerDeletion: true }],
};

/** A Sidecar of fence `test1/a`, as the renderer makes it. */
export function sidecar(...hosts: readonly string[]): Sidecar {
  return {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "Sidecar",
    metadata: OWNED,
    spec: { workloadSelector: { labels: { app: "a" } }, egress: [{ hosts }] },
  };
}

/** The EnvoyFilter beside it. */
export function envoyFilter(): EnvoyFilter {
  return {
    apiVersion: "networking.istio.io/v1alpha3",
    kind: "EnvoyFilter",
    metadata: OWNED,
    spec: { workloadSelector: { labels: { app: "a" } }, configPatches: [] },
  };
}

/** A fence as a person writes it. */
export function fence(more: object = {}, key: { readonly namespace: string; readonly name: string } = FENCE): object {
  return { metadata: { ...key, uid: key === FENCE ? FENCE_UID : `uid-${key.name}` }, spec: { enable: true }, ...more };
}
