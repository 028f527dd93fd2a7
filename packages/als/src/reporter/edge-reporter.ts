import { Backoff, FALLBACK_LOG_NAME, type PauseLimits } from "@fenceline/api/vocabulary";
import { bearer, type EnvoyNode } from "@fenceline/wire";
import { grpcClient, RECONNECT } from "@fenceline/wire/client";
import type { Client } from "@grpc/grpc-js";
import { encodeAccessLogMessage, type IdentifierFields } from "../encode/message.ts";
import { EdgeBuffer, type EdgeReport, type SummedReports } from "./edge-buffer.ts";
import { ReportStream, type ReportStreamEvents } from "./report-stream.ts";

/**
 * Most edges in one message: with the longest texts they stay below 256 KiB, the collector's limit.
 */
const MAX_EDGES_PER_MESSAGE = 128;

export interface EdgeReporterOptions {
  /** The collector: `host:port`, or any gRPC target. */
  readonly target: string;
  /** Node id of this proxy, for example `global-sidecar~10.0.0.7`. */
  readonly nodeId: string;
  /** Further fields of the node, where they are known. */
  readonly node?: Partial<Omit<EnvoyNode, "id">>;
  /**
   * Returns our token for the collector's audience. Called for each stream, since tokens in files
   * are replaced before they expire. What it throws is the reason of a disconnection, and it is
   * called again after the back-off. Default: no token is sent.
   */
  readonly token?: () => string;
  /**
   * Log name of the stream. Default {@link FALLBACK_LOG_NAME}, under which each entry names its own
   * source.
   */
  readonly logName?: string;
  /** How long equal edges are summed up before they are sent, in milliseconds. Default 10. */
  readonly flushIntervalMs?: number;
  /**
   * Most distinct edges that are held while they cannot be sent. Beyond it reports are dropped and
   * counted, first those of the namespace that has the most. Default 4,096.
   */
  readonly capacity?: number;
  readonly backoff?: Partial<PauseLimits>;
  /**
   * Called when the collector is connected and when it is lost, for the log. What it throws is
   * ignored.
   */
  readonly onEvent?: (event: ReporterEvent) => void;
}

/** Something that an operator may want to read in the log. */
export type ReporterEvent =
  | { readonly type: "connected" }
  | { readonly type: "disconnected"; readonly reason: string; readonly retryInMs: number };

/** Counters since the start, for metrics. */
interface ReporterStats {
  /** Requests that were passed to `report`. */
  readonly reported: number;
  /** Requests whose entries were sent. Some may have been sent twice, when the connection broke. */
  readonly sent: number;
  /** Dropped requests: there was no room, or they were still unsent at the end of `close`. */
  readonly dropped: number;
  /** Entries sent: one may stand for several requests. */
  readonly entries: number;
  readonly messages: number;
  /** Streams after the first one that reached the collector. */
  readonly reconnects: number;
  /** Distinct edges waiting now. */
  readonly pending: number;
  /** Whether the current stream has sent something. */
  readonly connected: boolean;
}

/** Reports edges to a collector. */
export interface EdgeReporter {
  /** Adds one request. Never throws, never waits. */
  report(edge: EdgeReport): void;
  /** The same for several requests of one edge. */
  reportRequests(edge: EdgeReport, requests: number): void;
  stats(): ReporterStats;
  /**
   * Sends what it can within `deadlineMs` milliseconds (default 1 s), then disconnects. Later
   * reports are dropped. Never fails.
   */
  close(deadlineMs?: number): Promise<void>;
}

/**
 * An access-log client of the collector for the edges that the global sidecar sees.
 *
 * Equal edges of one flush window become one entry with the custom tag `fenceline.requests`. While
 * the collector is away, edges wait in a bounded buffer. A message that was perhaps not read when
 * the stream broke is sent again: a repeated edge is harmless, a lost edge costs the caller another
 * detour.
 */
export function createEdgeReporter(options: EdgeReporterOptions): EdgeReporter {
  return new Reporter(options);
}

class Reporter implements EdgeReporter {
  readonly #options: EdgeReporterOptions;
  readonly #buffer: EdgeBuffer;
  readonly #backoff: Backoff;
  readonly #longestPause: number;
  readonly #client: Client;
  readonly #counts = { reported: 0, sent: 0, dropped: 0, entries: 0, messages: 0, reconnects: 0 };
  #stream: ReportStream | undefined;
  #openedAt = 0;
  #connected = false;
  #wasConnected = false;
  #flushTimer: NodeJS.Timeout | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #onDrained: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: EdgeReporterOptions) {
    const backoff = { ...RECONNECT, ...options.backoff };
    this.#options = options;
    this.#buffer = new EdgeBuffer(options.capacity ?? 4_096);
    this.#backoff = new Backoff(backoff);
    this.#longestPause = backoff.longest;
    this.#client = grpcClient(options.target, backoff);
    // Connects now, so that the first report need not wait for it.
    this.#client.getChannel().getConnectivityState(true);
  }

  report(edge: EdgeReport): void {
    this.reportRequests(edge, 1);
  }

  reportRequests(edge: EdgeReport, requests: number): void {
    this.#counts.reported += requests;
    const dropped = this.#closing === undefined ? this.#buffer.add(edge, requests) : requests;
    this.#counts.dropped += dropped;
    if (this.#closing !== undefined) return;
    this.#flushTimer ??= setTimeout(() => {
      this.#flushTimer = undefined;
      this.#flush();
    }, this.#options.flushIntervalMs ?? 10).unref();
  }

  stats(): ReporterStats {
    return { ...this.#counts, pending: this.#buffer.size, connected: this.#connected };
  }

  close(deadlineMs = 1_000): Promise<void> {
    this.#closing ??= this.#close(deadlineMs);
    return this.#closing;
  }

  async #close(deadlineMs: number): Promise<void> {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    const drained = Promise.withResolvers<void>();
    const deadline = setTimeout(drained.resolve, deadlineMs);
    this.#onDrained = drained.resolve;
    this.#flush();
    this.#endWhenDrained();
    await drained.promise;
    clearTimeout(deadline);
    clearTimeout(this.#retryTimer);
    const unsent = [...(this.#stream?.cancel() ?? []), ...this.#buffer.take(this.#buffer.size)];
    this.#counts.dropped += requestsOf(unsent);
    this.#stream = undefined;
    this.#connected = false;
    this.#client.close();
  }

  /**
   * Sends the oldest edges, unless a message is under way or a retry is due later: both call this
   * again.
   */
  #flush(): void {
    if (this.#buffer.size === 0 || this.#retryTimer !== undefined || this.#stream?.isBusy === true) return;
    const stream = this.#openStream();
    if (stream === undefined) return;
    const edges = this.#buffer.take(MAX_EDGES_PER_MESSAGE);
    const identifier = stream.isFirst ? this.#identifier() : undefined;
    const entries = edges.map(({ fields, requests }) => ({ ...fields, requests }));
    stream.send(encodeAccessLogMessage({ identifier, entries }), edges);
  }

  /** The open stream, or a new one; undefined when there is no token yet. */
  #openStream(): ReportStream | undefined {
    if (this.#stream !== undefined) return this.#stream;
    this.#openedAt = performance.now();
    const events: ReportStreamEvents = {
      sent: (edges) => this.#onSent(edges),
      ended: (unsent, error) => this.#onEnded(unsent, error?.details ?? "the collector ended the stream"),
    };
    try {
      const { token } = this.#options;
      this.#stream = new ReportStream(this.#client, events, token === undefined ? {} : bearer(token()));
    } catch (cause) {
      this.#retryLater(cause instanceof Error ? cause.message : String(cause));
    }
    return this.#stream;
  }

  #identifier(): IdentifierFields {
    return { logName: this.#options.logName ?? FALLBACK_LOG_NAME, node: { ...this.#options.node, id: this.#options.nodeId } };
  }

  #onSent(edges: readonly SummedReports[]): void {
    this.#counts.messages++;
    this.#counts.entries += edges.length;
    this.#counts.sent += requestsOf(edges);
    if (!this.#connected) this.#onConnected();
    // While a timer runs, the window of the edges since then is still open.
    if (this.#flushTimer === undefined) this.#flush();
    this.#endWhenDrained();
  }

  #onConnected(): void {
    this.#connected = true;
    if (this.#wasConnected) this.#counts.reconnects++;
    this.#wasConnected = true;
    this.#tell({ type: "connected" });
  }

  #onEnded(unsent: readonly SummedReports[], reason: string): void {
    this.#stream = undefined;
    this.#connected = false;
    this.#counts.dropped += this.#buffer.putBack(unsent);
    if (this.#onDrained !== undefined && this.#buffer.size === 0) this.#onDrained();
    else this.#retryLater(reason);
  }

  #retryLater(reason: string): void {
    // A stream is refused after it has begun, so only one that lasted proves that the collector
    // accepts us.
    if (performance.now() - this.#openedAt > this.#longestPause) this.#backoff.reset();
    const retryInMs = this.#backoff.next();
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined;
      this.#flush();
    }, retryInMs).unref();
    this.#tell({ type: "disconnected", reason, retryInMs });
  }

  /**
   * A listener's error must not end the process, as an error in a timer or a gRPC callback would.
   */
  #tell(event: ReporterEvent): void {
    try {
      this.#options.onEvent?.(event);
    } catch {
      // The listener is the log: there is no other place for the error.
    }
  }

  /**
   * While closing: once everything was sent, it ends the stream. The server's answer then says that
   * everything was read.
   */
  #endWhenDrained(): void {
    if (this.#onDrained === undefined || this.#buffer.size > 0 || this.#stream?.isBusy === true) return;
    if (this.#stream === undefined) this.#onDrained();
    else this.#stream.end();
  }
}

function requestsOf(edges: readonly SummedReports[]): number {
  return edges.reduce((sum, { requests }) => sum + requests, 0);
}
