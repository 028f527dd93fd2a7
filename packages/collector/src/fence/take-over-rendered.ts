import { hostOfEgress, type RenderedObject, type ServiceFence, sidecarHosts } from "@fenceline/api";
import type { FenceEdges } from "@fenceline/edges";
import type { ServiceLookup } from "@fenceline/registry";
import { egressHosts } from "@fenceline/render/fence";

/** What {@link takeOverRendered} compares. */
export interface RenderedTakeOver {
  readonly edges: FenceEdges;
  readonly fence: ServiceFence;
  /** What is rendered for the fence now. */
  readonly present: readonly RenderedObject[];
  readonly registry: ServiceLookup;
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
export function takeOverRendered({ edges, fence, present, registry, now, isWidened = false }: RenderedTakeOver): void {
  const shown = present.flatMap(sidecarHosts);
  if (shown.length === 0) return;
  const known = new Set(egressHosts({ fence, booked: edges.hosts(), registry, now }).map(({ host }) => host));
  const isAccountedFor = (host: string) => {
    const domain = fence.status.domains[host];
    return domain !== undefined && !(isWidened && domain.status === "EXPIRE");
  };
  for (const egress of shown) {
    const host = hostOfEgress(egress);
    if (host === "*" || known.has(host) || isAccountedFor(host)) continue;
    if (registry.resolveHost(host) === undefined) continue;
    edges.offer({ host, source: "learned", firstSeen: now, lastSeen: now });
  }
}
