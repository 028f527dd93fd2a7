import type { AccessLogEntry, AccessLogSink, AccessLogStream } from "@fenceline/als";
import { FALLBACK_LOG_NAME, type FenceKey } from "@fenceline/api";
import type { Sighting, SightingOutcome, SightingSink } from "@fenceline/edges";
import type { Destination } from "@fenceline/registry";
import type { PushTimes } from "../../fence/push-times.ts";
import type { Mesh } from "../../mesh.ts";
import type { CollectorMetrics } from "../../metrics.ts";
import { alsoCalled } from "./also-called.ts";
import { type Attribution, Attributions, type Hearers } from "./attribution.ts";
import type { DecisionLog } from "./decision-log.ts";
import { destinationOf, wentByFallback } from "./destination.ts";
import { isOutbound } from "./direction.ts";
import { ENTRY_DROP_REASONS, type EntryDropReason } from "./entry-drop-reason.ts";
import { namesCalled } from "./names-called.ts";
import { sourceOfFallbackEntry } from "./source.ts";

/** Dependencies of an {@link AccessLogReader}, and whom it tells. */
export interface AccessLogReaderOptions {
  /** The latest mesh. */
  readonly mesh: () => Mesh;
  readonly metrics: CollectorMetrics;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
  /** Undefined unless level debug is logged. */
  readonly decisions?: DecisionLog | undefined;
  /** Awaits the first direct call to hosts that were just shown. Default: nothing does. */
  readonly pushes?: Pick<PushTimes, "isWaiting" | "called">;
  /** A stream of a workload's proxy reported its version of Istio. */
  readonly onProxyVersion: (fence: FenceKey, version: string, stream: AccessLogStream) => void;
  /**
   * A stream's certificate, or its lack of one, contradicts its claim: nothing it sends counts.
   * Default: ignored.
   */
  readonly onUnbelieved?: (reason: EntryDropReason, stream: AccessLogStream) => void;
  /** The fences to whose proxies a stream now belongs. Default: ignored. */
  readonly onAttributed?: (stream: AccessLogStream, fences: readonly FenceKey[]) => void;
  /** A stream has ended, or does not report for its workload any more. Default: ignored. */
  readonly onProxyGone?: (stream: AccessLogStream) => void;
}

/** An entry whose source is known. */
interface AttributedEntry {
  readonly entry: AccessLogEntry;
  /** The fences that are told, the one to which it is attributed first. */
  readonly hearers: Hearers;
  /** Who reports it. */
  readonly teller: string;
  /** How many requests it counts for. */
  readonly requests: number;
  readonly mesh: Mesh;
  readonly at: number;
}

/** Envoy's RBAC filter, and most applications, deny with this status. */
const FORBIDDEN = 403;

/** The sink's outcome of a sighting, as a reason to drop its entry. */
const REASON_OF: Readonly<Record<Exclude<SightingOutcome, "seen">, EntryDropReason>> = {
  unknown_fence: "unknown_source",
  denied: "denied",
  at_capacity: "at_capacity",
  hidden: "hidden",
  denied_by_policy: "denied_by_policy",
  // This outcome occurs only for hosts sighted beside the destination, where no reason is needed.
  not_kept: "unknown_destination",
};

/**
 * Turns access logs into sightings: who made the call of an entry, and what was called.
 *
 * Only entries of the workload's own proxies prove that it was observed. The fallback reports only
 * calls to hosts outside the fence. If they counted, a workload whose own access logs fail would
 * seem observed, and the hosts that it uses would age out.
 */
export class AccessLogReader implements AccessLogSink {
  readonly #sightings: SightingSink;
  readonly #options: AccessLogReaderOptions;
  readonly #dropped = new Map<EntryDropReason, number>();
  readonly #attributions = new Attributions();

  constructor(sightings: SightingSink, options: AccessLogReaderOptions) {
    this.#sightings = sightings;
    this.#options = options;
  }

  entries(stream: AccessLogStream, entries: readonly AccessLogEntry[]): void {
    const { metrics, mesh: latest, now } = this.#options;
    const [mesh, at] = [latest(), now()];
    metrics.entries.inc(entries.length);
    const attribution = this.#attributions.of(stream, mesh, (found) => this.#attributed(found, stream, mesh));
    const { source } = attribution;
    if (source.kind === "dropped") {
      this.#drop(source.reason, entries.length);
      this.#options.decisions?.streamDropped(source.reason, stream, entries.length);
    } else if (source.kind === "fallback") for (const entry of entries) this.#fallbackEntry(entry, mesh, at);
    else this.#ownEntries(attribution, stream.logName, entries, mesh, at);
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
    this.#options.onAttributed?.(stream, []);
    this.#options.onProxyGone?.(stream);
  }

  /** The attribution of a stream was found, or has changed. */
  #attributed({ source, observed }: Attribution, stream: AccessLogStream, mesh: Mesh): void {
    this.#options.onAttributed?.(stream, observed);
    if (source.kind === "dropped" && source.reason !== "unknown_source") this.#options.onUnbelieved?.(source.reason, stream);
    const fence = source.kind === "fence" && isProxyOf(source.fence, stream, mesh) ? source.fence : undefined;
    if (fence === undefined) this.#options.onProxyGone?.(stream);
    else if (stream.node.istioVersion !== "") this.#options.onProxyVersion(fence, stream.node.istioVersion, stream);
  }

  /** Entries of a workload's own proxy. */
  #ownEntries({ writer, hearers, observed }: Attribution, teller: string, entries: readonly AccessLogEntry[], mesh: Mesh, at: number) {
    if (hearers === undefined) return;
    const isCall = (entry: AccessLogEntry) => isOutbound(entry, writer, mesh.collectorHost);
    if (entries.some(isCall)) for (const fence of observed) this.#sightings.observed(fence, at);
    for (const entry of entries) {
      // An Envoy logs each request of its own. Only the fallback adds requests up and names a
      // source, so such fields are not believed from any other sender.
      if (isCall(entry)) this.#entry({ entry: ownEntry(entry), hearers, teller, requests: 1, mesh, at });
      else this.#dropEntry("unknown_destination", entry, hearers[0].fence);
    }
  }

  #fallbackEntry(entry: AccessLogEntry, mesh: Mesh, at: number): void {
    const source = sourceOfFallbackEntry(entry, mesh);
    if (typeof source === "string") this.#dropEntry(source, entry, undefined);
    else {
      const hearers = this.#attributions.ofReport(source, mesh);
      this.#entry({ entry, hearers, teller: FALLBACK_LOG_NAME, requests: entry.requests, mesh, at });
    }
  }

  #entry(attributed: AttributedEntry): void {
    const { entry, hearers, mesh } = attributed;
    const [{ fence }] = hearers;
    const destination = destinationOf(entry, fence.namespace, mesh);
    const ended = typeof destination === "string" ? undefined : destination.host;
    const isNamed = isUnclear(destination) && this.#named(attributed);
    if (typeof destination !== "string") this.#sighted(destination, attributed);
    else if (!isNamed)
      this.#dropEntry(hearers.some((each) => this.#sightings.learns(each.fence)) ? destination : "unknown_source", entry, fence);
    for (const { host, port, teaches } of alsoCalled(entry, ended, fence.namespace, mesh)) {
      this.#tell({ host, port, keepsOnly: !teaches }, attributed);
    }
  }

  /**
   * Reports the names by which a call was made, where nobody is known to have registered them.
   *
   * @returns whether a person declared one of them
   */
  #named(attributed: AttributedEntry): boolean {
    const names = namesCalled(attributed.entry, attributed.mesh);
    const outcomes = names.map(({ host, isTrue }) => {
      return this.#tell({ host, port: undefined, keepsOnly: !isTrue, declaredOnly: true }, attributed).outcome;
    });
    return outcomes.includes("seen");
  }

  #sighted(destination: Destination, attributed: AttributedEntry): void {
    const { entry, hearers, mesh } = attributed;
    const [{ fence }] = hearers;
    const { outcome, requests } = this.#tell(destination, attributed);
    const { pushes } = this.#options;
    if (pushes?.isWaiting === true) for (const each of hearers) pushes.called(each.fence, destination.host, isDirect(entry, mesh));
    if (outcome === "seen") this.#options.decisions?.attributed(fence, destination, entry, requests);
    else this.#dropEntry(REASON_OF[outcome], entry, fence);
  }

  /**
   * Reports a host to every fence. The outcome is that of the first fence that has the host, else
   * that of the first fence.
   */
  #tell(
    { host, port, keepsOnly = false, declaredOnly = false }: Pick<Sighting, "host" | "port" | "keepsOnly" | "declaredOnly">,
    { entry, hearers, teller, requests: all, mesh, at }: AttributedEntry,
  ): { readonly outcome: SightingOutcome; readonly requests: number } {
    const { requestId } = entry;
    const denied = isDenied(entry, mesh);
    const way = wentByFallback(entry, mesh) ? "fallback" : entry.kind;
    const told = hearers.map(({ fence, calls }) => {
      // An entry of a call that still goes on keeps the edge in use; its request is counted when it
      // ends. Names that anybody may invent are not remembered, so to avoid counting a call twice,
      // it is not counted where it used the fallback, which reports it as well.
      const fresh = () => (declaredOnly ? Number(way !== "fallback") * all : calls.fresh(host, way, teller, all, at));
      const requests = entry.intermediate ? 0 : fresh();
      const outcome = this.#sightings.sighted({ fence, host, port, requests, at, denied, keepsOnly, declaredOnly, requestId });
      return { outcome, requests };
    });
    return told.find(({ outcome }) => outcome === "seen") ?? told[0] ?? { outcome: "unknown_fence", requests: 0 };
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

/** Whether the called host is not known, or only as the wildcard of a ServiceEntry. */
function isUnclear(destination: Destination | EntryDropReason): boolean {
  return typeof destination === "string" ? destination === "unknown_destination" : destination.host.startsWith("*");
}

/** An entry of a workload's own proxy, without any source that it names. */
function ownEntry(entry: AccessLogEntry): AccessLogEntry {
  return entry.fenceSource === "" ? entry : { ...entry, fenceSource: "" };
}

/**
 * A version counts for the fence's proxies only where the node is one of them, or does not tell
 * what it is.
 */
function isProxyOf(fence: FenceKey, { node: { namespace, labels } }: AccessLogStream, mesh: Mesh): boolean {
  return namespace === "" || mesh.selects(fence, namespace, labels);
}

/**
 * Behind the fallback the destination sees the fallback's identity, and a policy by principal
 * refuses that whoever called. So only a refusal of a call by the workload itself counts
 * (docs/adr/0006).
 */
function isDenied(entry: AccessLogEntry, mesh: Mesh): boolean {
  return entry.responseCode === FORBIDDEN && !wentByFallback(entry, mesh);
}

/** Whether the caller's own Envoy sent the call to the destination's cluster. */
function isDirect(entry: AccessLogEntry, mesh: Mesh): boolean {
  return entry.upstreamCluster.startsWith("outbound|") && !wentByFallback(entry, mesh);
}
