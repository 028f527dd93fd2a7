import { hostOfEgress, ownValue, type RenderedObject, type ServiceFence, sidecarHosts } from "@fenceline/api";
import type { FenceEdges } from "@fenceline/edges";
import type { MeshHostLookup, RequiredHost, ServiceLookup } from "@fenceline/registry";
import { type DomainAliases, egressHosts, type NamespacedHost } from "@fenceline/render/fence";

/** The input of {@link takeOverRendered}. */
export interface RenderedTakeOver {
  readonly edges: FenceEdges;
  readonly fence: ServiceFence;
  /** What is rendered for the fence now. */
  readonly present: readonly RenderedObject[];
  readonly registry: ServiceLookup;
  /** ServiceEntries and VirtualServices. Default: there are none. */
  readonly meshHosts?: MeshHostLookup;
  /** Services that every fence shows. Default: there are none. */
  readonly system?: readonly NamespacedHost[];
  /** Hosts that its proxies need. Default: none. */
  readonly required?: readonly RequiredHost[];
  /** Hosts that the configuration shows to every fence. Default: none. */
  readonly stable?: readonly string[];
  /** Hosts that are shown together with others. Default: none. */
  readonly aliases?: DomainAliases;
  /** Milliseconds of the wall clock. */
  readonly now: number;
  /**
   * Whether another replica has just added to it. Then hosts that had expired count too: they were
   * called again. Default false.
   */
  readonly isWidened?: boolean;
}

/**
 * Takes over hosts of the fence's rendered Sidecar that are neither in its spec nor in its status.
 * A Sidecar is written before the status, so a leader that died in between had learned them. They
 * count as seen now. Only existing Services count, as always when something is learned.
 */
export function takeOverRendered({
  edges,
  fence,
  present,
  registry,
  meshHosts,
  system = [],
  required = [],
  stable = [],
  aliases,
  now,
  isWidened = false,
}: RenderedTakeOver): void {
  const shown = present.filter((object) => isOf(fence, object)).flatMap(sidecarHosts);
  if (shown.length === 0) return;
  const common = { fence, registry, ...(meshHosts && { meshHosts }), system, required, stable, aliases };
  const hosts = egressHosts({ ...common, booked: edges.hosts(), now });
  // Destinations of VirtualServices are shown with the called host, and were not learned.
  const known = new Set(hosts.flatMap(({ host, also = [] }) => [host, ...also.map(hostOfEgress)]));
  const isAccountedFor = (host: string) => {
    const domain = ownValue(fence.status.domains, host);
    return domain !== undefined && !(isWidened && domain.status === "EXPIRE");
  };
  for (const egress of shown) {
    const host = hostOfEgress(egress);
    if (host === "*" || known.has(host) || isAccountedFor(host)) continue;
    if (registry.resolveHost(host) === undefined) continue;
    edges.offer({ host, source: "learned", firstSeen: now, lastSeen: now });
  }
}

/**
 * Not a Sidecar of a deleted fence with the same name: what that one had learned is kept elsewhere.
 * A fence in a folder has no uid.
 */
function isOf({ metadata: { uid } }: ServiceFence, { metadata: { ownerReferences = [] } }: RenderedObject): boolean {
  return uid === undefined || ownerReferences.some((owner) => owner.uid === uid);
}
