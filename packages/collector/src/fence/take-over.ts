import {
  type Config,
  type DomainStatus,
  durationMs,
  type HostSource,
  idleWindowOf,
  ownValue,
  parseDuration,
  type ServiceFence,
  type ServiceFenceStatus,
} from "@fenceline/api";
import type { AgeingPolicy, FenceEdges, HostSeed } from "@fenceline/edges";
import { includesHost, type MeshHosts, type ServiceLookup } from "@fenceline/registry";
import { statusKey } from "@fenceline/render/fence";
import { autoWindows, seedAutoHosts } from "./auto-hosts.ts";
import { type ResetDone, resetsAsked } from "./reset.ts";
import { warmedUpBefore, warmUp } from "./warm-up.ts";

/**
 * How a fence's hosts age: by its own fields, else by the configuration.
 *
 * @param registry to complete short names of declared hosts, as a pod of the fence's namespace
 * would
 */
export function ageingPolicy({ spec, metadata }: ServiceFence, { ageing }: Config, registry: ServiceLookup): AgeingPolicy {
  return {
    idleWindow: idleWindowOf(spec, ageing),
    shortestWindow: durationMs(ageing.shortestWindow),
    maxHosts: spec.maxHosts ?? ageing.maxHosts,
    // Static hosts that are called are in the book too. They must not take room from learned ones.
    declared: new Set(Object.keys(spec.host).map((key) => statusKey(key, metadata.namespace, registry))),
    byUse: autoWindows({ spec, metadata }, registry),
    ...(spec.warmUp.preload !== "None" && { preloadedFor: durationMs(spec.warmUp.for) }),
    preloadsAll: spec.warmUp.preload === "All",
    maxRemovedShare: ageing.maxRemovedShare,
  };
}

/**
 * Fills the page of a fence that was just opened: from its status, from what Slime had learned, and
 * from its warm-up. A page that was kept after the fence was deleted has all that already. What it
 * lacks of the warm-up had aged out.
 *
 * @param meshHosts for hosts of ServiceEntries that Slime had learned. Default: none is taken over
 * @param onReset called when restored hosts are forgotten because the fence asks for that
 * @returns the first host of the warm-up for which there was no room; undefined when there was room
 * for all
 */
export function takeOver(
  edges: FenceEdges,
  fence: ServiceFence,
  registry: ServiceLookup,
  now: number,
  meshHosts?: Pick<MeshHosts, "entriesFor">,
  onReset?: (reset: ResetDone) => void,
): string | undefined {
  for (const seed of [...restored(fence.status, now), ...imported(fence, { registry, meshHosts }, now)]) edges.seed(seed);
  seedAutoHosts(edges, fence, registry, now);
  edges.warmedUp ??= warmedUpBefore(fence);
  edges.resets = { annotated: fence.status.reset, asked: fence.status.resetAnswered, ...edges.resets };
  // Before the warm-up: a fence that is new in a cluster may have the annotation already.
  for (const reset of resetsAsked(edges, fence, registry)) onReset?.(reset);
  return warmUp(edges, fence, registry, now);
}

/**
 * Takes over what other replicas wrote into the status since the last look: until when they
 * observed the workload, hosts that they learned, hosts that they saw in use, and hosts that the
 * leader aged out. Our own writes come back in the same way and change nothing.
 */
export function mergeStatus(edges: FenceEdges, before: ServiceFenceStatus, after: ServiceFenceStatus, now: number): void {
  for (const host of Object.keys(before.domains))
    if (isBooked(ownValue(before.domains, host)) && !isBooked(ownValue(after.domains, host))) edges.remove(host);
  // Before the sightings, which count as of now in observed time.
  if (after.observedUntil !== undefined && after.observedUntil !== before.observedUntil)
    edges.observedElsewhere(Date.parse(after.observedUntil), now);
  for (const seed of restored(after, now, (host, domain) => isNewsOf(edges, ownValue(before.domains, host), host, domain))) {
    if (!edges.has(seed.host)) edges.seed(seed);
    edges.seenElsewhere(seed.host, seed.lastSeen);
    if (seed.idleWindow !== undefined) edges.extend(seed.host, seed.idleWindow);
  }
}

/**
 * Whether an entry tells more of its host than was known. A time in the future counts as now. If
 * the same time counted as news each time, this would repeat for ever.
 */
function isNewsOf(edges: FenceEdges, before: DomainStatus | undefined, host: string, after: DomainStatus): boolean {
  if (!edges.has(host)) return !isBooked(before);
  return before?.lastSeen !== after.lastSeen || before?.idleWindow !== after.idleWindow;
}

/**
 * Whether a host of a status is in the book: it is one of ours and has not expired. A static host,
 * or one that proxies need, is in the book only when it was called.
 */
function isBooked(domain: DomainStatus | undefined): domain is DomainStatus & { readonly source: HostSource } {
  if (domain?.source === undefined || domain.status === "EXPIRE") return false;
  return !UNCALLED.has(domain.source) || domain.lastSeen !== undefined;
}

/** Sources of hosts that are in a fence without having been called. */
const UNCALLED: ReadonlySet<HostSource> = new Set(["static", "required"]);
const NEVER = new Date(0).toISOString();

/**
 * What we had written ourselves. A static host that was called counts as learned: if a person
 * removes it from the spec, it is still in use.
 */
function restored(status: ServiceFenceStatus, now: number, isWanted = (_host: string, _domain: DomainStatus) => true): HostSeed[] {
  const seeds: HostSeed[] = Object.entries(status.domains).flatMap(([host, domain]) => {
    if (!isBooked(domain) || !isWanted(host, domain)) return [];
    const { source, firstSeen, lastSeen, requests, ports, idleWindow } = domain;
    // An unreadable time counts as long ago, not as now: it must not be news each time it is read.
    // A time in the future would be later than every true one.
    const seen = Math.min(now, Date.parse(lastSeen ?? firstSeen ?? NEVER));
    const first = Math.min(seen, Date.parse(firstSeen ?? lastSeen ?? NEVER));
    return [
      {
        host,
        source: UNCALLED.has(source) ? "learned" : source,
        firstSeen: first,
        lastSeen: seen,
        requests: requests ?? 0,
        ports: ports ?? [],
        idleWindow: idleWindow === undefined ? undefined : parseDuration(idleWindow),
      },
    ];
  });
  // In the order in which they were seen, so that the first to make room stays the first.
  return seeds.sort((one, other) => one.lastSeen - other.lastSeen);
}

/**
 * It can match in one way only. With two repetitions that share characters, a key of 60 KB without
 * its last quote took seconds, and a status has room for more.
 */
const METRIC_KEY = /^\{?(?:destination_service|request_host)="([^":]+)(?::[^"]*)?"\}?$/;
/** Slime's enum, as text or as number. */
const EXPIRED: ReadonlySet<unknown> = new Set(["EXPIRE", 1]);

/**
 * What Slime had learned (`metricStatus`, and `domains` without a source), as far as it exists, so
 * that nobody who migrates starts without hosts. Only once: a status of ours has what is left of
 * it, and what aged out since must not come back with each start.
 */
function imported({ metadata, spec, status }: ServiceFence, known: Known, now: number): HostSeed[] {
  if (warmedUpBefore({ spec, status }) !== undefined) return [];
  const measured = Object.keys(status.metricStatus ?? {}).flatMap((key) => METRIC_KEY.exec(key)?.[1] ?? []);
  const rendered = Object.entries(status.domains).filter(
    ([host, domain]) => domain.source === undefined && !EXPIRED.has(domain.status) && !(host in spec.host),
  );
  const hosts = [...measured, ...rendered.map(([host]) => host)].flatMap((host) => knownHost(host, metadata.namespace, known) ?? []);
  return hosts.map((host) => ({ host, source: "imported", firstSeen: now, lastSeen: now }));
}

/** Where a host may be known from. */
interface Known {
  readonly registry: ServiceLookup;
  readonly meshHosts: Pick<MeshHosts, "entriesFor"> | undefined;
}

/**
 * The Service's host, else that of a ServiceEntry, which may be a wildcard; undefined where none
 * has it. Of several, the longest, which Envoy prefers, too.
 */
function knownHost(host: string, namespace: string, { registry, meshHosts }: Known): string | undefined {
  const service = registry.resolveHost(host, namespace);
  if (service !== undefined) return registry.hostOf(service);
  const entries = meshHosts?.entriesFor(host, namespace).map((entry) => entry.host) ?? [];
  return entries.filter((entry) => entry === host || includesHost(entry, host)).sort((one, other) => other.length - one.length)[0];
}
