import type { AccessLogEntry, AccessLogSink, AccessLogStream } from "@fenceline/als";
import type { FenceKey } from "@fenceline/api";
import type { EdgeBook, FenceEdges } from "@fenceline/edges";
import type { Destination } from "@fenceline/registry";
import { destinationOf, wentByFallback } from "./attribution/destination.ts";
import { DROP_REASONS, type DropReason } from "./attribution/drop-reason.ts";
import { type StreamSource, sourceOfFallbackEntry, sourceOfStream } from "./attribution/source.ts";
import type { DecisionLog } from "./decision-log.ts";
import type { Mesh } from "./mesh.ts";
import type { CollectorMetrics } from "./metrics.ts";

/** What an {@link Ingest} works on, and whom it tells. */
export interface IngestOptions {
  readonly book: EdgeBook;
  /** The latest mesh. */
  readonly mesh: () => Mesh;
  readonly metrics: CollectorMetrics;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
  /** Undefined unless level debug is logged. */
  readonly decisions?: DecisionLog | undefined;
  /** A fence has a host that it did not have before. */
  readonly onLearned: (fence: FenceKey, host: string) => void;
  /** A fence has no room for a host that its workload called. */
  readonly onTurnedAway?: (fence: FenceKey, host: string) => void;
  /** The first access log of a workload's own proxies has arrived. */
  readonly onTelemetry: (fence: FenceKey) => void;
  /** A stream of a workload's proxy named its version of Istio. */
  readonly onProxyVersion: (fence: FenceKey, version: string, stream: AccessLogStream) => void;
  /**
   * A stream's certificate, or the want of one, contradicts whom it claims to be: nothing it says
   * counts. Default: nobody is told.
   */
  readonly onUnbelieved?: (reason: DropReason, stream: AccessLogStream) => void;
  /** A stream has ended, or does not speak for its workload any more. Default: nobody is told. */
  readonly onProxyGone?: (stream: AccessLogStream) => void;
}

/** An entry of a known source. */
interface AttributedEntry {
  readonly entry: AccessLogEntry;
  readonly fence: FenceKey;
  readonly edges: FenceEdges | undefined;
  readonly mesh: Mesh;
  /** How many requests it stands for. */
  readonly requests: number;
}

/** RBAC of Envoy, and most applications, deny with this status. */
const FORBIDDEN = 403;

/**
 * Access logs into the book of edges.
 *
 * Only the workload's own proxies advance its observed time. What the fallback reports are calls to
 * hosts outside the fence: were it to count, a workload whose own access logs are broken would seem
 * observed, and the hosts it uses would age out.
 */
export class Ingest implements AccessLogSink {
  readonly #options: IngestOptions;
  readonly #dropped = new Map<DropReason, number>();
  /** Streams live long; what one stands for changes only with the fences. */
  #sources = new WeakMap<AccessLogStream, StreamSource>();
  #sourcesOf: number | undefined;

  constructor(options: IngestOptions) {
    this.#options = options;
  }

  entries(stream: AccessLogStream, entries: readonly AccessLogEntry[]): void {
    const { book, metrics, mesh: latest, now } = this.#options;
    const mesh = latest();
    metrics.entries.inc(entries.length);
    const source = this.#sourceOf(stream, mesh);
    if (source.kind === "dropped") {
      this.#drop(source.reason, entries.length);
      this.#options.decisions?.streamDropped(source.reason, stream, entries.length);
    } else if (source.kind === "fallback") for (const entry of entries) this.#fallbackEntry(entry, mesh);
    else {
      const edges = book.of(source.fence);
      const isFirst = edges?.observedUntil === undefined;
      edges?.telemetry(now());
      if (isFirst) this.#options.onTelemetry(source.fence);
      // An Envoy logs each request for itself, and for itself alone. Only the fallback sums up and
      // names a source, so from anybody else that is made up.
      for (const entry of entries) this.#entry({ entry: ownEntry(entry), fence: source.fence, edges, mesh, requests: 1 });
    }
    this.#countDropped();
  }

  dropped(reason: string, count: number): void {
    this.#options.metrics.entriesDropped.inc({ reason }, count);
  }

  opened(): void {
    this.#options.metrics.streams.inc();
  }

  closed(stream: AccessLogStream): void {
    this.#options.metrics.streams.dec();
    this.#options.onProxyGone?.(stream);
  }

  #sourceOf(stream: AccessLogStream, mesh: Mesh): StreamSource {
    if (this.#sourcesOf !== mesh.fencesVersion) {
      this.#sources = new WeakMap();
      this.#sourcesOf = mesh.fencesVersion;
    }
    const known = this.#sources.get(stream);
    if (known !== undefined) return known;
    const source = sourceOfStream(stream, mesh);
    this.#sources.set(stream, source);
    if (source.kind === "dropped" && source.reason !== "unknown_source") this.#options.onUnbelieved?.(source.reason, stream);
    const fence = source.kind === "fence" && isProxyOf(source.fence, stream, mesh) ? source.fence : undefined;
    if (fence === undefined) this.#options.onProxyGone?.(stream);
    else if (stream.node.istioVersion !== "") this.#options.onProxyVersion(fence, stream.node.istioVersion, stream);
    return source;
  }

  #fallbackEntry(entry: AccessLogEntry, mesh: Mesh): void {
    const source = sourceOfFallbackEntry(entry, mesh);
    if (typeof source === "string") this.#dropEntry(source, entry, undefined);
    else this.#entry({ entry, fence: source, edges: this.#options.book.of(source), mesh, requests: entry.requests });
  }

  #entry({ entry, fence, edges, mesh, requests }: AttributedEntry): void {
    const destination = destinationOf(entry, fence.namespace, mesh);
    if (edges === undefined) this.#dropEntry("unknown_source", entry, fence);
    else if (typeof destination === "string") this.#dropEntry(destination, entry, fence);
    else if (isDenied(entry, mesh) && !edges.has(destination.host)) this.#dropEntry("denied", entry, fence);
    // An entry of something that still goes on keeps the edge alive; its request is counted when it
    // ends.
    else this.#observe(destination, entry, fence, edges, entry.intermediate ? 0 : requests);
  }

  #observe(destination: Destination, entry: AccessLogEntry, fence: FenceKey, edges: FenceEdges, requests: number): void {
    const { decisions, now, onLearned } = this.#options;
    const { host, port } = destination;
    const { size } = edges;
    const isNew = edges.observe(host, port, requests, now());
    if (isNew) onLearned(fence, host);
    else if (!edges.has(host)) {
      this.#turnedAway(fence, host, entry);
      return;
    }
    decisions?.attributed(fence, destination, entry, requests);
    if (isNew && edges.size === size) decisions?.evicted(fence, edges.lastEvicted ?? "", host);
  }

  #turnedAway(fence: FenceKey, host: string, entry: AccessLogEntry): void {
    this.#dropEntry("at_capacity", entry, fence);
    this.#options.onTurnedAway?.(fence, host);
  }

  #dropEntry(reason: DropReason, entry: AccessLogEntry, fence: FenceKey | undefined): void {
    this.#drop(reason, 1);
    this.#options.decisions?.dropped(reason, entry, fence);
  }

  #drop(reason: DropReason, count: number): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count);
  }

  /** Once per message, not per entry: a labelled counter costs more than decoding an entry. */
  #countDropped(): void {
    if (this.#dropped.size === 0) return;
    for (const reason of DROP_REASONS) {
      const count = this.#dropped.get(reason);
      if (count !== undefined) this.#options.metrics.entriesDropped.inc({ reason }, count);
    }
    this.#dropped.clear();
  }
}

/** An entry of a workload's own proxy, whatever it says of a source. */
function ownEntry(entry: AccessLogEntry): AccessLogEntry {
  return entry.fenceSource === "" ? entry : { ...entry, fenceSource: "" };
}

/**
 * A version says something of the fence's proxies only where the node is one of them, or says
 * nothing of itself.
 */
function isProxyOf(fence: FenceKey, { node: { namespace, labels } }: AccessLogStream, mesh: Mesh): boolean {
  return namespace === "" || mesh.selects(fence, namespace, labels);
}

/**
 * Behind the fallback the destination sees the fallback's identity, and a policy by principal
 * refuses that whoever called. So only a refusal of the workload itself counts (docs/adr/0006).
 */
function isDenied(entry: AccessLogEntry, mesh: Mesh): boolean {
  return entry.responseCode === FORBIDDEN && !wentByFallback(entry, mesh);
}
