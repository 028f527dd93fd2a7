import {
  type Config,
  type DomainStatus,
  durationMs,
  type HostSource,
  idleWindowOf,
  type ServiceFence,
  type ServiceFenceStatus,
  timestampMs,
} from "@fenceline/api";
import type { AgeingPolicy, FenceEdges, HostSeed } from "@fenceline/edges";
import type { ServiceLookup } from "@fenceline/registry";
import { agesByUse, statusKey } from "@fenceline/render/fence";

/**
 * How a fence's hosts age: its own fields, else the configuration.
 *
 * @param registry to complete short names of declared hosts, as a pod of the fence's namespace
 * would
 */
export function ageingPolicy({ spec, metadata }: ServiceFence, { ageing }: Config, registry: ServiceLookup): AgeingPolicy {
  return {
    idleWindow: idleWindowOf(spec, ageing),
    shortestWindow: durationMs(ageing.shortestWindow),
    maxHosts: spec.maxHosts ?? ageing.maxHosts,
    // Calls to static hosts stand in the book too. They must not keep learned ones out.
    declared: new Set(Object.keys(spec.host).map((key) => statusKey(key, metadata.namespace, registry))),
    maxRemovedShare: ageing.maxRemovedShare,
  };
}

/**
 * Fills the page of a fence that was just opened: from its status, from what Slime had learned, and
 * from its warm-up. A page that was kept since the fence was deleted has all that, and what it
 * lacks of the warm-up had aged out.
 *
 * @returns the first host of the warm-up that found no room; undefined when all of them did
 */
export function takeOver(edges: FenceEdges, fence: ServiceFence, registry: ServiceLookup, now: number): string | undefined {
  const isKept = edges.size > 0;
  // First, because a host keeps what it was seeded with first, and these have a window of their
  // own.
  seedAutoHosts(edges, fence, registry, now);
  for (const seed of [...restored(fence.status, now), ...imported(fence, registry, now)]) edges.seed(seed);
  if (isKept) return undefined;
  const idleWindow = durationMs(fence.spec.warmUp.for);
  for (const host of preloaded(fence, registry)) {
    const isIn = edges.offer({ host, source: "preloaded", firstSeen: now, lastSeen: now, idleWindow }) || edges.has(host);
    // Nothing makes room for the hosts behind it: all that the page holds counts as just seen. A
    // declared one among them is shown without a place.
    if (!isIn) return host;
  }
  return undefined;
}

/**
 * Hosts with Slime's `auto` strategy live in the book, where they age by use. One that aged out
 * before stays out until it is called. A person named each of them, so all find room and take none:
 * their number is bounded by what a manifest and a Sidecar (`TooManyHosts`) take.
 */
export function seedAutoHosts(edges: FenceEdges, { metadata, spec, status }: ServiceFence, registry: ServiceLookup, now: number): void {
  for (const [key, strategy] of Object.entries(spec.host)) {
    // Before anything is looked up: of thousands of hosts few age by use.
    if (!agesByUse(strategy)) continue;
    const host = statusKey(key, metadata.namespace, registry);
    if (status.domains[host]?.status === "EXPIRE") continue;
    const seen = Math.min(now, Math.max(0, timestampMs(strategy?.RecentlyCalled) ?? now));
    edges.seed({ host, source: "static", firstSeen: seen, lastSeen: seen, idleWindow: timestampMs(strategy?.auto?.duration) });
  }
}

/**
 * Takes in what other replicas wrote into the status since we last looked: until when they observed
 * the workload, hosts that they learned, hosts that they saw in use, and hosts that the leader aged
 * out. Our own writes come back the same way and change nothing.
 */
export function mergeStatus(edges: FenceEdges, before: ServiceFenceStatus, after: ServiceFenceStatus, now: number): void {
  for (const host of Object.keys(before.domains)) if (isBooked(before.domains[host]) && !isBooked(after.domains[host])) edges.remove(host);
  // Before the sightings, which count as of now in observed time.
  if (after.observedUntil !== undefined && after.observedUntil !== before.observedUntil)
    edges.observedElsewhere(Date.parse(after.observedUntil), now);
  for (const seed of restored(after, now, (host, domain) => isNewsOf(edges, before.domains[host], host, domain))) {
    if (edges.has(seed.host)) edges.seenElsewhere(seed.host, seed.lastSeen);
    else edges.seed(seed);
  }
}

/**
 * Whether an entry says more than was known of its host before. A time in the future counts as now:
 * it would do so again at each look, for ever, if the same time were news each time.
 */
function isNewsOf(edges: FenceEdges, before: DomainStatus | undefined, host: string, after: DomainStatus): boolean {
  return edges.has(host) ? before?.lastSeen !== after.lastSeen : !isBooked(before);
}

/**
 * Whether a host of a status is one that the book holds: one of ours that has not expired. A static
 * one is there only when it was called.
 */
function isBooked(domain: DomainStatus | undefined): domain is DomainStatus & { readonly source: HostSource } {
  if (domain?.source === undefined || domain.status === "EXPIRE") return false;
  return domain.source !== "static" || domain.lastSeen !== undefined;
}

const NEVER = new Date(0).toISOString();

/**
 * What we had written ourselves. A static host that was called is as good as learned: should a
 * person take it out of the spec, it is still in use.
 */
function restored(status: ServiceFenceStatus, now: number, isWanted = (_host: string, _domain: DomainStatus) => true): HostSeed[] {
  const seeds: HostSeed[] = Object.entries(status.domains).flatMap(([host, domain]) => {
    if (!isBooked(domain) || !isWanted(host, domain)) return [];
    const { source, firstSeen, lastSeen, requests, ports } = domain;
    // A time that could not be read is long ago, not now: it must not count as news each time it is
    // read. One in the future would outlast every later one.
    const seen = Math.min(now, Date.parse(lastSeen ?? firstSeen ?? NEVER));
    const first = Math.min(seen, Date.parse(firstSeen ?? lastSeen ?? NEVER));
    return [
      {
        host,
        source: source === "static" ? "learned" : source,
        firstSeen: first,
        lastSeen: seen,
        requests: requests ?? 0,
        ports: ports ?? [],
      },
    ];
  });
  // In the order in which they were seen: the first to make room stays the first.
  return seeds.sort((one, other) => one.lastSeen - other.lastSeen);
}

/**
 * Read in one way only: with two runs that may share characters, a key of 60 KB without its last
 * quote took seconds, and a status has room for more.
 */
const METRIC_KEY = /^\{?(?:destination_service|request_host)="([^":]+)(?::[^"]*)?"\}?$/;
/** Slime's enum as text or as number. */
const EXPIRED: ReadonlySet<unknown> = new Set(["EXPIRE", 1]);

/**
 * What Slime had learned (`metricStatus`, and `domains` without a source), as far as it exists:
 * nobody who migrates starts cold.
 */
function imported({ metadata, spec, status }: ServiceFence, registry: ServiceLookup, now: number): HostSeed[] {
  const measured = Object.keys(status.metricStatus ?? {}).flatMap((key) => METRIC_KEY.exec(key)?.[1] ?? []);
  const rendered = Object.entries(status.domains).filter(
    ([host, domain]) => domain.source === undefined && !EXPIRED.has(domain.status) && !(host in spec.host),
  );
  const hosts = [...measured, ...rendered.map(([host]) => host)].flatMap((host) => {
    const service = registry.resolveHost(host, metadata.namespace);
    return service === undefined ? [] : [registry.hostOf(service)];
  });
  return hosts.map((host) => ({ host, source: "imported", firstSeen: now, lastSeen: now }));
}

/**
 * `warmUp.preload`: once, when the fence has no status yet, so that what fell away stays away. A
 * list as it is written, for a person may put first what matters most; Services with the fence's
 * own namespace first, which a workload calls most, then by namespace and name. One by one: of the
 * thousands of a mesh most find no room.
 */
function* preloaded({ metadata: { namespace }, spec, status }: ServiceFence, registry: ServiceLookup): Generator<string, void> {
  if (status.observedUntil !== undefined || Object.keys(status.domains).length > 0) return;
  const { preload } = spec.warmUp;
  if (preload === "None") return;
  if (typeof preload === "object") {
    for (const key of preload) yield statusKey(key, namespace, registry);
    return;
  }
  for (const service of registry.servicesIn(namespace)) yield registry.hostOf(service);
  if (preload === "Namespace") return;
  for (const service of registry.services()) if (service.metadata.namespace !== namespace) yield registry.hostOf(service);
}
