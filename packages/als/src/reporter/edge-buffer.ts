import { type FenceKey, formatFenceKey } from "@fenceline/api/vocabulary";
import type { SocketAddress } from "../access-log-entry.ts";
import type { EntryFields } from "../encode/entry.ts";

/** One request that the global sidecar forwarded, or tried to. */
export interface EdgeReport {
  /** The fence to which the caller belongs. */
  readonly source: FenceKey;
  /** The Host header as received. */
  readonly authority: string;
  /**
   * The destination, if it was resolved: a fully qualified host and its port. It is reported as
   * Istio's cluster name.
   */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** The address to which the caller's application connected, if the caller's Envoy told it. */
  readonly originalDestination?: SocketAddress | undefined;
  /** Overrides the cluster of `host` and `port`. */
  readonly upstreamCluster?: string | undefined;
  /** HTTP status of the answer; 0 for none. */
  readonly responseCode: number;
  /**
   * `x-request-id`, for the collector's log. Equal reports are summed up even if it differs: that
   * of the first counts.
   */
  readonly requestId?: string | undefined;
}

/** Equal reports, summed up. */
export interface SummedReports {
  readonly key: string;
  readonly fields: EntryFields;
  requests: number;
}

/** Most requests of one entry: the decoder reads nine digits. */
const MAX_REQUESTS = 999_999_999;

/**
 * Longest text that is kept. A host name has at most 253 bytes. A longer text names no service, and
 * must not fill our memory.
 */
const MAX_TEXT = 512;

/**
 * Distinct edges waiting to be sent, oldest first, at most `capacity`.
 *
 * One host has any number of spellings, so one caller can fill the buffer while the collector is
 * away. When it is full, a new edge replaces the oldest edge of the namespace that has the most,
 * until its own namespace has as many. Otherwise the new edge is dropped. The next request of a
 * dropped edge reports it again.
 */
export class EdgeBuffer {
  readonly #capacity: number;
  readonly #edges = new Map<string, SummedReports>();
  readonly #byNamespace = new Map<string, Set<SummedReports>>();
  /**
   * The same, by the report itself: for a caller that gives the same object again no key is made,
   * which is the most expensive part of a report.
   */
  #reports = new WeakMap<EdgeReport, SummedReports>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Distinct edges now. */
  get size(): number {
    return this.#edges.size;
  }

  /**
   * Adds requests, by default one. Returns how many requests were dropped for lack of room: these,
   * or those of an edge that they replaced.
   */
  add(report: EdgeReport, requests = 1): number {
    const known = this.#reports.get(report);
    // An edge that was replaced is still known here, but no longer in the buffer.
    if (known !== undefined && this.#edges.get(known.key) === known) {
      known.requests = Math.min(known.requests + requests, MAX_REQUESTS);
      return 0;
    }
    const fields = fieldsOf(report);
    const key = keyOf(fields);
    const dropped = this.#put({ key, fields, requests: Math.min(requests, MAX_REQUESTS) });
    const added = this.#edges.get(key);
    if (added !== undefined) this.#reports.set(report, added);
    return dropped;
  }

  /** Removes the oldest edges, at most `count`. */
  take(count: number): SummedReports[] {
    const taken: SummedReports[] = [];
    for (const edge of this.#edges.values()) {
      if (taken.length === count) break;
      taken.push(edge);
      this.#remove(edge);
    }
    this.#reports = new WeakMap();
    return taken;
  }

  /**
   * Puts back edges that could not be sent. Returns the requests that were dropped for lack of
   * room.
   */
  putBack(edges: readonly SummedReports[]): number {
    let dropped = 0;
    for (const edge of edges) dropped += this.#put(edge);
    return dropped;
  }

  /** Returns the requests dropped. */
  #put(edge: SummedReports): number {
    const known = this.#edges.get(edge.key);
    if (known !== undefined) {
      known.requests = Math.min(known.requests + edge.requests, MAX_REQUESTS);
      return 0;
    }
    const isFull = this.#edges.size >= this.#capacity;
    const leaving = isFull ? this.#oldestOfLargest(namespaceOf(edge)) : undefined;
    if (isFull && leaving === undefined) return edge.requests;
    if (leaving !== undefined) this.#remove(leaving);
    this.#edges.set(edge.key, edge);
    this.#shareOf(namespaceOf(edge)).add(edge);
    return leaving?.requests ?? 0;
  }

  /**
   * The edge that is replaced by a new one of a namespace; undefined when no other namespace has
   * more than this one would have then.
   */
  #oldestOfLargest(namespace: string): SummedReports | undefined {
    const own = this.#byNamespace.get(namespace)?.size ?? 0;
    // Then no namespace has more, and a flood does not cause a search through all of them.
    if (own >= this.#capacity / 2) return undefined;
    let largest: ReadonlySet<SummedReports> = new Set();
    for (const share of this.#byNamespace.values()) if (share.size > largest.size) largest = share;
    return largest.size > own + 1 ? largest.values().next().value : undefined;
  }

  #shareOf(namespace: string): Set<SummedReports> {
    const share = this.#byNamespace.get(namespace) ?? new Set();
    this.#byNamespace.set(namespace, share);
    return share;
  }

  #remove(edge: SummedReports): void {
    const share = this.#shareOf(namespaceOf(edge));
    this.#edges.delete(edge.key);
    share.delete(edge);
    if (share.size === 0) this.#byNamespace.delete(namespaceOf(edge));
  }
}

function namespaceOf({ fields: { fenceSource = "" } }: SummedReports): string {
  return fenceSource.slice(0, Math.max(0, fenceSource.indexOf("/")));
}

function fieldsOf({ source, authority, host, port, originalDestination, upstreamCluster, ...rest }: EdgeReport): EntryFields {
  const { responseCode, requestId = "" } = rest;
  const resolved = host === undefined || port === undefined ? "" : `outbound|${port}||${host}`;
  return {
    fenceSource: bounded(formatFenceKey(source)),
    authority: bounded(authority),
    upstreamCluster: bounded(upstreamCluster ?? resolved),
    downstreamLocalAddress: originalDestination,
    responseCode,
    requestId: bounded(requestId),
  };
}

function bounded(text: string): string {
  return text.length <= MAX_TEXT ? text : "";
}

/** No field value of HTTP contains a line feed (RFC 9110 §5.5), so it separates them. */
function keyOf({ fenceSource, authority, upstreamCluster, downstreamLocalAddress: local, responseCode }: EntryFields): string {
  return `${fenceSource}\n${authority}\n${upstreamCluster}\n${local?.address ?? ""}\n${local?.port ?? ""}\n${responseCode}`;
}
