import type { AccessLogEntry, AccessLogStream } from "@fenceline/als";
import { type FenceKey, formatFenceKey } from "@fenceline/api";
import type { Sighting } from "@fenceline/edges";
import type { Destination } from "@fenceline/registry";
import type { Logger } from "pino";
import type { EntryDropReason } from "./entry-drop-reason.ts";

/**
 * One line per decision about an access-log entry, at level debug.
 *
 * At any other level there is no such log, and callers ask `decisions?.`: nothing is built for a
 * line that nobody reads. The decoder bounds the texts that peers wrote.
 */
export class DecisionLog {
  readonly #logger: Logger;

  /** Undefined unless level debug is logged. */
  static of(logger: Logger): DecisionLog | undefined {
    return logger.isLevelEnabled("debug") ? new DecisionLog(logger) : undefined;
  }

  private constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The entry is one of this edge. */
  attributed(fence: FenceKey, { host, port }: Destination, entry: AccessLogEntry, requests: number): void {
    this.#logger.debug({ fence: formatFenceKey(fence), host, port, requests, ...namesOf(entry) }, "edge seen");
  }

  /** The entry taught nothing. */
  dropped(reason: EntryDropReason, entry: AccessLogEntry, fence: FenceKey | undefined): void {
    const names = { fence: fence === undefined ? undefined : formatFenceKey(fence), ...namesOf(entry) };
    this.#logger.debug({ reason, ...names, sourceHeader: entry.fenceSource || undefined }, "entry dropped");
  }

  /** Nothing that the stream says is believed. */
  streamDropped(reason: EntryDropReason, { logName, peer, node }: AccessLogStream, count: number): void {
    this.#logger.debug({ reason, logName, peer, node: node.id, namespace: node.namespace, count }, "entries dropped");
  }

  /** A host made room for another one. */
  evicted(host: string, { fence, host: by, requestId }: Sighting): void {
    this.#logger.debug({ fence: formatFenceKey(fence), host, by, requestId }, "host evicted");
  }
}

function namesOf({ authority, upstreamCluster, responseCode, requestId, fenceSource }: AccessLogEntry) {
  const via = fenceSource === "" ? undefined : "fallback";
  // 0 is none: a report is made before there is an answer, and Envoy writes it when the caller
  // left.
  return { authority: authority || undefined, cluster: upstreamCluster || undefined, status: responseCode || undefined, via, requestId };
}
