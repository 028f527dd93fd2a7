import { type FenceKey, fenceMode, formatFenceKey, type ServiceFence, type ServiceFenceStatus } from "@fenceline/api";
import type { Edge } from "@fenceline/edges";

/** Where the API's answers come from. */
export interface FenceReader {
  fences(): readonly FenceKey[];
  describe(key: FenceKey): { readonly fence: ServiceFence; readonly status: ServiceFenceStatus } | undefined;
  edges(): readonly Edge[];
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

export function fencesView(reader: FenceReader) {
  return reader.fences().flatMap((key) => fenceView(reader, key) ?? []);
}

/** Every edge, source and destination first. */
export function edgesView(reader: FenceReader) {
  return reader.edges().map(({ fence, host, source, firstSeen, lastSeen, requests, ports }) => ({
    source: formatFenceKey(fence),
    destination: host,
    ports,
    origin: source,
    requests,
    firstSeen: new Date(firstSeen).toISOString(),
    lastSeen: new Date(lastSeen).toISOString(),
  }));
}
