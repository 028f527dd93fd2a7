import { hostOfEgress, ownValue, type RenderedObject, type ServiceFence, sidecarHosts } from "@fenceline/api";
import type { FenceEdges } from "@fenceline/edges";
import type { MeshHostLookup, RequiredHost, ServiceLookup } from "@fenceline/registry";
import { type DomainAliases, egressHosts, type NamespacedHost } from "@fenceline/render/fence";

/** What {@link takeOverRendered} compares. */
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
  /** Hosts that every fence shows by the configuration. Default: none. */
  readonly stable?: readonly string[];
  /** What hosts bring along. Default: nothing. */
  readonly aliases?: DomainAliases;
  /** Milliseconds of the wall clock. */
  readonly now: number;
  /**
   * Whether another replica has just added to it. Then also what had expired counts: it was called
   * again. Default false.
   */
  readonly isWidened?: boolean;
}

/**
 * Takes over hosts of the fence's rendered Sidecar that neither its spec nor its status accounts
 * for. A Sidecar is written before the status, so a leader that died in between had learned them;
 * they count as seen now. Only Services that exist count, as for everything that is learned.
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
  // What VirtualServices send calls to is shown with what is called, and was not learned itself.
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
 * Not of one by the same name that was deleted: what it had learned is its own, and kept elsewhere.
 * A fence in a folder has no uid.
 */
function isOf({ metadata: { uid } }: ServiceFence, { metadata: { ownerReferences = [] } }: RenderedObject): boolean {
  return uid === undefined || ownerReferences.some((owner) => owner.uid === uid);
}
