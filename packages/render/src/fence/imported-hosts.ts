import { type Config, EVERYTHING, hostOfEgress } from "@fenceline/api";
import type { SidecarImports } from "@fenceline/registry";
import type { NamespacedHost } from "./bounded-hosts.ts";
import type { EgressHost } from "./egress-hosts.ts";
import { type MeshObjectsInput, placesOf, routesOf } from "./host-routes.ts";

/** Which hosts of a fence the Sidecar shows that the fence's Sidecar replaces. */
export interface ImportedHosts {
  readonly hosts: readonly EgressHost[];
  /** Hosts that a person declared and that it hides. */
  readonly hidden: readonly string[];
}

/**
 * Removes from a fence's hosts what its pods did not see without the fence. Where VirtualServices
 * of the remaining hosts send calls, Istio finds out by itself, whatever a Sidecar names.
 *
 * Services of Istio's namespace stay, and those of ours that the fence's EnvoyFilter names: Envoy
 * rejects a listener whose cluster the Sidecar hides, and calls to hidden hosts need the fallback.
 *
 * @param imports undefined where nothing is hidden
 */
export function importedHosts(
  hosts: readonly EgressHost[],
  imports: SidecarImports | undefined,
  input: MeshObjectsInput,
  config: Config,
): ImportedHosts {
  if (imports === undefined) return { hosts, hidden: [] };
  const within = (egress: string) =>
    isOfEveryFence(egress, config) ? [egress] : imports.within(egress, (namespace) => knownHosts(namespace, input));
  const shown: EgressHost[] = [];
  const hidden: string[] = [];
  for (const host of hosts) {
    const [egress, ...also] = [host.egress, ...(host.also ?? [])].flatMap(within);
    if (egress !== undefined) shown.push({ ...host, egress, also });
    else if (host.expired) shown.push(host);
    else if (host.source === "static") hidden.push(host.host);
  }
  return { hosts: shown, hidden };
}

/**
 * What pods see without their fence, in a Sidecar's notation.
 *
 * @param imports undefined where nothing is hidden
 */
export function unfencedHosts(imports: SidecarImports | undefined, input: MeshObjectsInput): readonly string[] {
  return imports?.within(EVERYTHING, (namespace) => knownHosts(namespace, input)) ?? [EVERYTHING];
}

/** Whether a Sidecar shows a host, where it is registered or by a VirtualService for it. */
export function isImported(host: string, imports: SidecarImports, input: MeshObjectsInput): boolean {
  const places = placesOf(host, input);
  const routes = (routesOf([host], input).get(host)?.also ?? []).filter((egress) => hostOfEgress(egress) === host);
  return [...(places.length === 0 ? [`*/${host}`] : places), ...routes].some(
    (egress) => imports.within(egress, (namespace) => knownHosts(namespace, input)).length > 0,
  );
}

function isOfEveryFence(egress: string, config: Config): boolean {
  const { istioNamespace, clusterDomain } = config;
  const isIstio = egress.startsWith(`${istioNamespace}/`) && egress.endsWith(`.${istioNamespace}.svc.${clusterDomain}`);
  return isIstio || namedByFilter(config).includes(egress);
}

/** Services whose clusters the EnvoyFilter of a fence names, in a Sidecar's notation. */
export function namedByFilter({ namespace, clusterDomain, fallback, collector }: Config): readonly string[] {
  return [fallback, collector].map(({ service }) => `${namespace}/${service}.${namespace}.svc.${clusterDomain}`);
}

function knownHosts(of: string, { namespace, registry, meshHosts }: MeshObjectsInput): readonly NamespacedHost[] {
  const services = of === "*" ? registry.services() : registry.servicesIn(of);
  return [
    ...services.map((service) => ({ namespace: service.metadata.namespace, host: registry.hostOf(service) })),
    ...meshHosts.entriesVisibleTo(namespace).filter((entry) => of === "*" || entry.namespace === of),
  ];
}
