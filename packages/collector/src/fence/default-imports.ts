import { type FenceKey, type ServiceFence, SIDECAR } from "@fenceline/api";
import { SidecarImports } from "@fenceline/registry";
import { isImported, namedByFilter, unfencedHosts } from "@fenceline/render/fence";
import type { ForeignObject, Store } from "@fenceline/store";
import type { Mesh } from "../mesh.ts";
import { countingDefaults, defaultOutbound } from "./conflict.ts";
import type { StepsSeen } from "./steps-seen.ts";

/** Sidecars of others that may select the pods of a fence. */
export interface ForeignSidecars {
  /** Those in its namespace. */
  readonly foreign: readonly ForeignObject[];
  /** Those in Istio's root namespaces. */
  readonly foreignInRoot: readonly ForeignObject[];
}

export function foreignSidecars(namespace: string, store: Pick<Store, "foreign">, { rootNamespaces }: Mesh): ForeignSidecars {
  return {
    foreign: store.foreign(SIDECAR, namespace),
    foreignInRoot: rootNamespaces.flatMap((root) => store.foreign(SIDECAR, root)),
  };
}

/**
 * What the default Sidecar shows to the pods of a namespace, which Sidecars of fences replace;
 * undefined where it hides nothing. If there are several, Istio uses the oldest; here each counts.
 */
export function defaultImports(namespace: string, { foreign, foreignInRoot }: ForeignSidecars): SidecarImports | undefined {
  const hosts = countingDefaults(foreign, foreignInRoot).flatMap(({ egressHosts }) => (egressHosts === undefined ? [] : [egressHosts]));
  return hosts.length === 0 ? undefined : new SidecarImports(hosts, namespace);
}

/** What a fence's steps need to know of the view without a fence. */
export type WithoutFence = Required<Pick<StepsSeen, "unfenced" | "named">>;

/**
 * Not recorded: else every host that comes or goes would have a fence with an exclusion looked at.
 */
export function withoutFence(namespace: string, others: ForeignSidecars, { registry, meshHosts, config }: Mesh): WithoutFence {
  const unfenced = unfencedHosts(defaultImports(namespace, others), { namespace, registry, meshHosts });
  return { unfenced, named: namedByFilter(config) };
}

/**
 * Whether the default Sidecar hides a host from a fence's pods: then it must not be learned. Calls
 * to it use the fallback, as they used Istio's passthrough before.
 */
export function isHiddenByDefault({ namespace }: FenceKey, host: string, store: Pick<Store, "foreign">, mesh: Mesh): boolean {
  const imports = defaultImports(namespace, foreignSidecars(namespace, store, mesh));
  return imports !== undefined && !isImported(host, imports, { namespace, registry: mesh.registry, meshHosts: mesh.meshHosts });
}

/**
 * Whether pods see only registered hosts, by their default Sidecar or else by MeshConfig. If there
 * are several control planes, any of them may be theirs.
 */
export function isRegistryOnly({ foreign, foreignInRoot }: ForeignSidecars, { controlPlanes }: Pick<Mesh, "controlPlanes">): boolean {
  const said = defaultOutbound(foreign, foreignInRoot);
  return said === "REGISTRY_ONLY" || (said === undefined && controlPlanes.some(({ outbound }) => outbound === "REGISTRY_ONLY"));
}

/**
 * A fence as it holds under REGISTRY_ONLY. Elsewhere, a connection to a hidden host, of a TCP
 * Service or a ServiceEntry, uses Istio's passthrough until the host is learned. Here it would be
 * refused, and never learned, so such hosts are shown.
 */
export function underRegistryOnly(fence: ServiceFence): ServiceFence {
  return { ...fence, spec: { ...fence.spec, tcp: fence.spec.tcp === "learn" ? "visible" : fence.spec.tcp, serviceEntries: "Visible" } };
}
