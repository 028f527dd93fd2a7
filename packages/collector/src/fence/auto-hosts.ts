import { type DomainStatus, ownValue, type ServiceFence, timestampMs } from "@fenceline/api";
import type { FenceEdges } from "@fenceline/edges";
import type { MeshHosts, ServiceLookup } from "@fenceline/registry";
import { agesByUse, placesOf, statusKey } from "@fenceline/render/fence";

/** Windows of hosts with Slime's `auto` strategy, in milliseconds; undefined for none. */
export function autoWindows(
  fence: Pick<ServiceFence, "metadata" | "spec">,
  registry: ServiceLookup,
): ReadonlyMap<string, number | undefined> {
  return new Map([...autoHosts(fence, registry)].map(({ host, strategy }) => [host, timestampMs(strategy.auto?.duration)]));
}

/**
 * Hosts with Slime's `auto` strategy are in the book, where they age by use. One that aged out
 * before stays out until it is called, or `RecentlyCalled` says that it was since. A person named
 * each of them, so all find room without taking room from others. Their number is limited by the
 * size of a manifest and of a Sidecar (`TooManyHosts`).
 */
export function seedAutoHosts(edges: FenceEdges, fence: ServiceFence, registry: ServiceLookup, now: number): void {
  for (const { host, strategy } of autoHosts(fence, registry)) {
    const called = timestampMs(strategy.RecentlyCalled);
    // A host cannot have been seen in the future. Such a time would be news each time it is read.
    const isPast = called !== undefined && called <= now;
    if (edges.has(host)) {
      if (isPast) edges.calledAt(host, called, now);
      continue;
    }
    const before = ownValue(fence.status.domains, host);
    if (before?.status === "EXPIRE" && !(isPast && isAfter(called, before))) continue;
    const seen = isPast ? Math.max(0, called) : now;
    edges.seed({ host, source: "static", firstSeen: seen, lastSeen: seen, idleFor: now - seen });
  }
}

/** Where hosts are, as far as known. */
interface KnownPlaces {
  readonly registry: ServiceLookup;
  readonly meshHosts: MeshHosts;
}

/**
 * The wildcards that stand for a host that was called from a namespace: `*.<domain>`, and
 * `<namespace>/*` of each namespace whose Services or ServiceEntries have it. However many
 * wildcards a fence declares, a call costs no more than its host has labels and namespaces.
 */
export function wildcardsFor(called: string, namespace: string, known: KnownPlaces): readonly string[] {
  const labels = called.split(".").slice(1);
  const domains = labels.map((_, at) => `*.${labels.slice(at).join(".")}`);
  const namespaces = placesOf(called, { namespace, ...known }).map((place) => `${place.slice(0, place.indexOf("/"))}/*`);
  return [...new Set([...domains, ...namespaces])];
}

function* autoHosts({ spec, metadata }: Pick<ServiceFence, "metadata" | "spec">, registry: ServiceLookup) {
  // Checked before anything is looked up: of thousands of hosts few age by use.
  for (const [key, strategy] of Object.entries(spec.host))
    if (strategy && agesByUse(strategy)) yield { host: statusKey(key, metadata.namespace, registry), strategy };
}

function isAfter(called: number, { lastSeen }: DomainStatus): boolean {
  return lastSeen !== undefined && called > Date.parse(lastSeen);
}
