import { type FenceKey, formatFenceKey } from "@fenceline/api/vocabulary";
import type { SocketAddress } from "../access-log-entry.ts";
import type { EntryFields } from "../encode/entry.ts";

/** One request that the global sidecar forwarded, or tried to. */
export interface EdgeReport {
  /** The fence that the caller belongs to. */
  readonly source: FenceKey;
  /** The Host header as received. */
  readonly authority: string;
  /** The destination, when it was resolved: a fully qualified host and its port. Reported as the cluster that Istio would have named. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** The address that the caller's application dialled, when the caller's Envoy told. */
  readonly originalDestination?: SocketAddress | undefined;
  /** Overrides the cluster that `host` and `port` give. */
  readonly upstreamCluster?: string | undefined;
  /** HTTP status of the answer; 0 for none. */
  readonly responseCode: number;
}

/** Equal reports, summed up. */
export interface PendingEdge {
  readonly key: string;
  readonly fields: EntryFields;
  requests: number;
}

/** Most requests that one entry stands for; the decoder reads nine digits. */
const MAX_REQUESTS = 999_999_999;

/** Longest text kept. A host name has at most 253 bytes; whoever sends more is not calling a service, and must not fill our memory. */
const MAX_TEXT = 512;

/** Distinct edges waiting to be sent, oldest first, at most `capacity`. */
export class EdgeBuffer {
  readonly #capacity: number;
  readonly #edges = new Map<string, PendingEdge>();
  /** The same by the report itself: a caller that gives the same object again spares us building its key, the dearest part of a report. */
  #reports = new WeakMap<EdgeReport, PendingEdge>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Distinct edges now. */
  get size(): number {
    return this.#edges.size;
  }

  /**
   * Adds requests, one unless said otherwise; false when they were dropped, because its edge is new and there is no room.
   *
   * The newcomer is dropped and not the oldest: both will be reported again by their next request, and to drop the newcomer costs nothing.
   */
  add(report: EdgeReport, requests = 1): boolean {
    const known = this.#reports.get(report);
    if (known !== undefined) {
      known.requests = Math.min(known.requests + requests, MAX_REQUESTS);
      return true;
    }
    const fields = fieldsOf(report);
    const added = this.#put({ key: keyOf(fields), fields, requests: Math.min(requests, MAX_REQUESTS) });
    if (added !== undefined) this.#reports.set(report, added);
    return added !== undefined;
  }

  /** The oldest edges, at most `count`, which leave the buffer. */
  take(count: number): PendingEdge[] {
    const taken: PendingEdge[] = [];
    for (const edge of this.#edges.values()) {
      if (taken.length === count) break;
      taken.push(edge);
      this.#edges.delete(edge.key);
    }
    this.#reports = new WeakMap();
    return taken;
  }

  /** Edges that could not be sent come back. Returns the requests dropped for want of room. */
  putBack(edges: readonly PendingEdge[]): number {
    let dropped = 0;
    for (const edge of edges) if (this.#put(edge) === undefined) dropped += edge.requests;
    return dropped;
  }

  /** The edge that stands in the buffer now; undefined when there is no room for another. */
  #put(edge: PendingEdge): PendingEdge | undefined {
    const known = this.#edges.get(edge.key);
    if (known !== undefined) {
      known.requests = Math.min(known.requests + edge.requests, MAX_REQUESTS);
      return known;
    }
    if (this.#edges.size >= this.#capacity) return undefined;
    this.#edges.set(edge.key, edge);
    return edge;
  }
}

function fieldsOf({ source, authority, host, port, originalDestination, upstreamCluster, responseCode }: EdgeReport): EntryFields {
  const resolved = host === undefined || port === undefined ? "" : `outbound|${port}||${host}`;
  return {
    fenceSource: bounded(formatFenceKey(source)),
    authority: bounded(authority),
    upstreamCluster: bounded(upstreamCluster ?? resolved),
    downstreamLocalAddress: originalDestination,
    responseCode,
  };
}

function bounded(text: string): string {
  return text.length <= MAX_TEXT ? text : "";
}

/** No field value of HTTP contains a line feed (RFC 9110 §5.5), so it separates them. */
function keyOf({ fenceSource, authority, upstreamCluster, downstreamLocalAddress: local, responseCode }: EntryFields): string {
  return `${fenceSource}\n${authority}\n${upstreamCluster}\n${local?.address ?? ""}\n${local?.port ?? ""}\n${responseCode}`;
}
