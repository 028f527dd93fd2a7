import { AUTHORIZATION_POLICY } from "./authorization-policy.ts";
import { ENDPOINT_SLICE, NAMESPACE, NODE, SERVICE, SERVICE_CIDR } from "./core.ts";
import { DESTINATION_RULE } from "./destination-rule.ts";
import { GATEWAY_ROUTE_KINDS } from "./gateway-route.ts";
import type { MeshKind, OwnKind, ReadKind } from "./kind.ts";
import { PROXY_POLICY_KINDS } from "./proxy-policy.ts";
import { SERVICE_ENTRY } from "./service-entry.ts";
import { SERVICE_FENCE } from "./service-fence.ts";
import { SMART_LIMITER } from "./smart-limiter.ts";
import { VIRTUAL_SERVICE } from "./virtual-service.ts";

/** What else each kind's file has, for everybody. */
export * from "./service-fence.ts";
export * from "./smart-limiter.ts";
export * from "./smart-limiter-status.ts";

/**
 * The table of kinds: parsers, CustomResourceDefinitions, API paths, informers, withdrawal and the
 * chart's rights read it. A new kind of ours is one line here, with its file; see
 * docs/adding-a-kind.md.
 */
export const OWN_KINDS = [SERVICE_FENCE, SMART_LIMITER] as const satisfies readonly OwnKind[];

/**
 * The table of kinds that are only read: informers, folders, manifests and the chart's rights read
 * it. One more is one line here.
 */
export const MESH_KINDS = [
  NAMESPACE,
  SERVICE,
  ENDPOINT_SLICE,
  NODE,
  SERVICE_CIDR,
  SERVICE_ENTRY,
  VIRTUAL_SERVICE,
  DESTINATION_RULE,
  ...GATEWAY_ROUTE_KINDS,
  ...PROXY_POLICY_KINDS,
  AUTHORIZATION_POLICY,
] as const satisfies readonly MeshKind[];

type ObjectOf<K> = K extends ReadKind<infer O> ? O : never;

/** An object that manifests may hold. */
export type KnownObject = ObjectOf<(typeof MESH_KINDS)[number] | (typeof OWN_KINDS)[number]>;

/** What is read from manifests. */
export const MANIFEST_KINDS = manifestKinds(MESH_KINDS, OWN_KINDS) as readonly ReadKind<KnownObject>[];

/** What is read from manifests where these are the tables. */
export function manifestKinds(mesh: readonly MeshKind[], own: readonly OwnKind[]): readonly ReadKind<unknown>[] {
  return [...mesh.filter(({ isInManifests }) => isInManifests), ...own];
}
