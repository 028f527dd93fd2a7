import { ENDPOINT_SLICE, NAMESPACE, SERVICE } from "./core.ts";
import type { OwnKind, ReadKind } from "./kind.ts";
import { SERVICE_FENCE } from "./service-fence.ts";

/**
 * The table of kinds: parsers, CustomResourceDefinitions, API paths, informers, withdrawal and the
 * chart's rights read it. A new kind of ours is one line here; see docs/adding-a-kind.md.
 */
export const OWN_KINDS = [SERVICE_FENCE] as const satisfies readonly OwnKind[];

/**
 * Kinds of others that a folder of manifests may hold. In a cluster their informers are named one
 * by one.
 */
export const MESH_KINDS = [NAMESPACE, SERVICE, ENDPOINT_SLICE] as const satisfies readonly ReadKind<unknown>[];

/** What is read from manifests. */
export const MANIFEST_KINDS = [...MESH_KINDS, ...OWN_KINDS] as const;

type ObjectOf<K> = K extends ReadKind<infer O> ? O : never;

/** An object of {@link MANIFEST_KINDS}. */
export type KnownObject = ObjectOf<(typeof MANIFEST_KINDS)[number]>;
