import type { AccessLogEntry, AccessLogSink, AccessLogStream } from "@fenceline/als";
import type { FenceKey } from "@fenceline/api";
import type { SightingOutcome, SightingSink } from "@fenceline/edges";
import type { Destination } from "@fenceline/registry";
import type { Mesh } from "../../mesh.ts";
import type { CollectorMetrics } from "../../metrics.ts";
import type { DecisionLog } from "./decision-log.ts";
import { destinationOf, wentByFallback } from "./destination.ts";
import { ENTRY_DROP_REASONS, type EntryDropReason } from "./entry-drop-reason.ts";
import { type StreamSource, sourceOfFallbackEntry, sourceOfStream } from "./source.ts";

/** What an {@link AccessLogReader} works with, and whom it tells. */
export interface AccessLogReaderOptions {
  /** The latest mesh. */
  readonly mesh: () => Mesh;
  readonly metrics: CollectorMetrics;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
  /** Undefined unless level debug is logged. */
  readonly decisions?: DecisionLog | undefined;
  /** A stream of a workload's proxy named its version of Istio. */
  readonly onProxyVersion: (fence: FenceKey, version: string, stream: AccessLogStream) => void;
  /**
   * A stream's certificate, or the want of one, contradicts whom it claims to be: nothing it says
   * counts. Default: nobody is told.
   */
  readonly onUnbelieved?: (reason: EntryDropReason, stream: AccessLogStream) => void;
  /** A stream has ended, or does not speak for its workload any more. Default: nobody is told. */
  readonly onProxyGone?: (stream: AccessLogStream) => void;
}

/** An entry of a known source. */
interface AttributedEntry {
  readonly entry: AccessLogEntry;
  readonly fence: FenceKey;
  /** How many requests it stands for. */
  readonly requests: number;
  readonly mesh: Mesh;
  readonly at: number;
}

/** RBAC of Envoy, and most applications, deny with this status. */
const FORBIDDEN = 403;

/** What the sink makes of a sighting, as a reason to drop its entry. */
const REASON_OF: Readonly<Record<Exclude<SightingOutcome, "seen">, EntryDropReason>> = {
  unknown_fence: "unknown_source",
  denied: "denied",
  at_capacity: "at_capacity",
};

/**
 * Access logs as sightings: who made the call that an entry tells of, and what was called.
 *
 * Only the workload's own proxies tell that it was observed. What the fallback reports are calls to
 * hosts outside the fence: were it to count, a workload whose own access logs are broken would seem
 * observed, and the hosts it uses would age out.
 */
export class AccessLogReader implements AccessLogSink {
  readonly #sightings: SightingSink;
  readonly #options: AccessLogReaderOptions;
  readonly #dropped = new Map<EntryDropReason, number>();
  /** Streams live long; what one stands for changes only with the fences. */
  #sources = new WeakMap<AccessLogStream, StreamSource>();
  #sourcesOf: number | undefined;

  constructor(sightings: SightingSink, options: AccessLogReaderOptions) {
    this.#sightings = sightings;
    this.#options = options;
  }

  entries(stream: AccessLogStream, entries: readonly AccessLogEntry[]): void {
    const { metrics, mesh: latest, now } = this.#options;
    const [mesh, at] = [latest(), now()];
    metrics.entries.inc(entries.length);
    const source = this.#sourceOf(stream, mesh);
    if (source.kind === "dropped") {
      this.#drop(source.reason, entries.length);
      this.#options.decisions?.streamDropped(source.reason, stream, entries.length);
    } else if (source.kind === "fallback") for (const entry of entries) this.#fallbackEntry(entry, mesh, at);
    else {
      this.#sightings.observed(source.fence, at);
      // An Envoy logs each request for itself, and for itself alone. Only the fallback sums up and
      // names a source, so from anybody else that is made up.
      for (const entry of entries) this.#entry({ entry: ownEntry(entry), fence: source.fence, requests: 1, mesh, at });
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

  #fallbackEntry(entry: AccessLogEntry, mesh: Mesh, at: number): void {
    const source = sourceOfFallbackEntry(entry, mesh);
    if (typeof source === "string") this.#dropEntry(source, entry, undefined);
    else this.#entry({ entry, fence: source, requests: entry.requests, mesh, at });
  }

  #entry(attributed: AttributedEntry): void {
    const { entry, fence, mesh } = attributed;
    const destination = destinationOf(entry, fence.namespace, mesh);
    if (typeof destination !== "string") this.#sighted(destination, attributed);
    else this.#dropEntry(this.#sightings.learns(fence) ? destination : "unknown_source", entry, fence);
  }

  #sighted(destination: Destination, { entry, fence, requests: all, mesh, at }: AttributedEntry): void {
    const { host, port } = destination;
    // An entry of something that still goes on keeps the edge alive; its request is counted when it
    // ends.
    const requests = entry.intermediate ? 0 : all;
    const { requestId } = entry;
    const outcome = this.#sightings.sighted({ fence, host, port, requests, at, denied: isDenied(entry, mesh), requestId });
    if (outcome === "seen") this.#options.decisions?.attributed(fence, destination, entry, requests);
    else this.#dropEntry(REASON_OF[outcome], entry, fence);
  }

  #dropEntry(reason: EntryDropReason, entry: AccessLogEntry, fence: FenceKey | undefined): void {
    this.#drop(reason, 1);
    this.#options.decisions?.dropped(reason, entry, fence);
  }

  #drop(reason: EntryDropReason, count: number): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count);
  }

  /** Once per message, not per entry: a labelled counter costs more than decoding an entry. */
  #countDropped(): void {
    if (this.#dropped.size === 0) return;
    for (const reason of ENTRY_DROP_REASONS) {
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
