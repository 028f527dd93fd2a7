import { type FenceKey, fenceMode, formatFenceKey, type ServiceFence, type ServiceFenceStatus } from "@fenceline/api";
import type { HostRecord } from "@fenceline/edges";
import { ApiRefusal, compareKeys, type PageRequest, type Step } from "@fenceline/http-api";

/** The source of the API's answers. Nothing is copied before it is asked for. */
export interface FenceReader {
  /** In any order. */
  fences(): readonly FenceKey[];
  describe(key: FenceKey): { readonly fence: ServiceFence; readonly status: ServiceFenceStatus } | undefined;
  /** Fences whose edges are in the book, in any order. */
  edgeFences(): readonly FenceKey[];
  /** The edges of one fence, by host. */
  edgesOf(key: FenceKey): readonly HostRecord[];
}

/**
 * The source of an answer.
 *
 * @throws {ApiRefusal} `NOT_READY` while it is not known
 */
export function known<Source>(source: Source | undefined): Source {
  if (source === undefined) throw new ApiRefusal(503, "NOT_READY", "the mesh is not known yet, see /readyz", { "retry-after": "1" });
  return source;
}

/** One fence as the API shows it. */
export function fenceView(reader: FenceReader, key: FenceKey) {
  const described = reader.describe(key);
  if (described === undefined) return undefined;
  const { fence, status } = described;
  return {
    fence: formatFenceKey(key),
    ...key,
    mode: fenceMode(fence.spec),
    hosts: Object.entries(status.domains).map(([host, { hosts: _, status: state, ...rest }]) => ({ host, state, ...rest })),
    observedUntil: status.observedUntil,
    conditions: status.conditions ?? [],
  };
}

/** Fences by namespace and name, one a step. */
export function* fencesSteps(reader: FenceReader, page: PageRequest): Generator<Step> {
  for (const fence of keysFrom(reader.fences(), page)) {
    const key = [fence.namespace, fence.name];
    if (page.after !== undefined && compareKeys(key, page.after) <= 0) continue;
    const value = fenceView(reader, fence);
    if (value !== undefined) yield [{ key, value }];
  }
}

/** Edges by namespace, fence and host, those of one fence a step. */
export function* edgesSteps(reader: FenceReader, page: PageRequest): Generator<Step> {
  for (const fence of keysFrom(reader.edgeFences(), page)) {
    const { after } = page;
    yield reader.edgesOf(fence).flatMap((edge) => {
      const key = [fence.namespace, fence.name, edge.host];
      return after !== undefined && compareKeys(key, after) <= 0 ? [] : [{ key, value: edgeView(fence, edge) }];
    });
  }
}

function edgeView(fence: FenceKey, { host, source, firstSeen, lastSeen, requests, ports }: HostRecord) {
  return {
    source: formatFenceKey(fence),
    destination: host,
    ports,
    origin: source,
    requests,
    firstSeen: new Date(firstSeen).toISOString(),
    lastSeen: new Date(lastSeen).toISOString(),
  };
}

/**
 * Keys in order, of the namespace that is asked for, beginning with the fence at which the page
 * before ended.
 */
export function keysFrom(keys: readonly FenceKey[], { namespace, after = [] }: PageRequest): FenceKey[] {
  const last = after.slice(0, 2);
  const wanted = keys.filter((key) => {
    return (namespace === undefined || key.namespace === namespace) && compareKeys([key.namespace, key.name], last) >= 0;
  });
  return wanted.sort((a, b) => compareKeys([a.namespace, a.name], [b.namespace, b.name]));
}
