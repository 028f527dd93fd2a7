import type { AccessLogEntry, AccessLogStream } from "@fenceline/als";
import { type FenceKey, formatFenceKey, LeftOutLines, LineBudget } from "@fenceline/api";
import type { Sighting } from "@fenceline/edges";
import type { Destination } from "@fenceline/registry";
import type { Logger } from "pino";
import type { EntryDropReason } from "./entry-drop-reason.ts";

/**
 * One line per decision about an access-log entry, at level debug.
 *
 * At any other level there is no such log, and callers use `decisions?.`, so that no line is built
 * in vain. The decoder limits the length of texts from peers.
 */
export class DecisionLog {
  readonly #logger: Logger;
  readonly #ofSource: LineBudget;
  readonly #inAll: LineBudget;
  readonly #leftOut: LeftOutLines;

  /**
   * Undefined unless level debug is logged.
   *
   * @param clock milliseconds. Default `performance.now`
   */
  static of(logger: Logger, clock?: () => number): DecisionLog | undefined {
    return logger.isLevelEnabled("debug") ? new DecisionLog(logger, clock) : undefined;
  }

  private constructor(logger: Logger, clock: (() => number) | undefined) {
    this.#logger = logger;
    const timed = { window: SECOND, ...(clock && { clock }) };
    this.#ofSource = new LineBudget({ lines: LINES_OF_SOURCE, ...timed });
    this.#inAll = new LineBudget({ lines: LINES_IN_ALL, ...timed });
    this.#leftOut = new LeftOutLines(({ line, of, suppressed }) => logger.debug({ line, of, suppressed }, "lines left out"));
  }

  /** The entry is one of this edge. */
  attributed(fence: FenceKey, { host, port }: Destination, entry: AccessLogEntry, requests: number): void {
    const source = formatFenceKey(fence);
    this.#say("attributed", source, () => ({ fence: source, host, port, requests, ...namesOf(entry) }));
  }

  /** The entry taught nothing. */
  dropped(reason: EntryDropReason, entry: AccessLogEntry, of: FenceKey | undefined): void {
    const fence = of === undefined ? undefined : formatFenceKey(of);
    const sourceHeader = entry.fenceSource || undefined;
    this.#say("dropped", fence ?? reason, () => ({ reason, fence, ...namesOf(entry), sourceHeader }));
  }

  /** Nothing that the stream reports is believed. */
  streamDropped(reason: EntryDropReason, { logName, peer, node }: AccessLogStream, count: number): void {
    this.#say("streamDropped", reason, () => ({ reason, logName, peer, node: node.id, namespace: node.namespace, count }));
  }

  /** A host made room for another one. */
  evicted(host: string, { fence: of, host: by, requestId }: Sighting): void {
    const fence = formatFenceKey(of);
    this.#say("evicted", fence, () => ({ fence, host, by, requestId }));
  }

  /**
   * Logs a line, within the budgets. An entry of a stream may have two bytes and its line a
   * hundred: a stream must not fill the disk, nor use up the lines of all others (T-52).
   */
  #say(decision: keyof typeof SAID, source: string, fields: () => object): void {
    const isSaid = this.#ofSource.take(`${decision} ${source}`) && this.#inAll.take("");
    if (isSaid) this.#logger.debug(fields(), SAID[decision]);
    else this.#leftOut.add(SAID[decision], source, undefined);
  }
}

/** The message of each decision's line. */
const SAID = {
  attributed: "edge seen",
  dropped: "entry dropped",
  streamDropped: "entries dropped",
  evicted: "host evicted",
} as const;

/** Milliseconds. */
const SECOND = 1_000;
/** Lines of one decision about one fence in a second, or for one reason without a fence. */
const LINES_OF_SOURCE = 100;
const LINES_IN_ALL = 1_000;

function namesOf({ authority, upstreamCluster, responseCode, requestId, fenceSource }: AccessLogEntry) {
  const via = fenceSource === "" ? undefined : "fallback";
  // 0 means none: a report is made before there is an answer, and Envoy writes 0 when the caller
  // left.
  return { authority: authority || undefined, cluster: upstreamCluster || undefined, status: responseCode || undefined, via, requestId };
}
