import { asBytes, callMetadata } from "@fenceline/wire/client";
import { type Client, type ClientWritableStream, type ServiceError, status } from "@grpc/grpc-js";
import { STREAM_V3 } from "../methods.ts";
import type { SummedReports } from "./edge-buffer.ts";

/**
 * Events of a {@link ReportStream}. `ended` is the last one, and does not come after
 * {@link ReportStream.cancel}.
 */
export interface ReportStreamEvents {
  /** The message with these edges was sent, and the next one may follow. */
  sent(edges: readonly SummedReports[]): void;
  /**
   * The stream has ended. `unsent` are the edges of messages that were perhaps not read. Without an
   * error, the server or we ended it.
   */
  ended(unsent: readonly SummedReports[], error: ServiceError | undefined): void;
}

/**
 * Milliseconds before the end of a stream. A message of this time counts as unread: the call may
 * have been refused, or the server may have died with the message in its socket. A stream of this
 * service has no acknowledgements.
 */
const DOUBT_MS = 1_000;
/**
 * Milliseconds that the collector may need to have our token reviewed. It reads no report before
 * that. What was sent until then counts as unread when the stream is refused.
 */
const REVIEW_MS = 5_000;
/** Most edges that are kept for this time. */
const MAX_EARLY = 10_000;
/**
 * Most edges that are kept because they were sent a short time ago, beside those of the last
 * message.
 */
const MAX_RECENT = 1_000;
/** Statuses of a refusal, and of a collector that was lost. */
const REFUSED: ReadonlySet<number | undefined> = new Set([status.UNAUTHENTICATED, status.PERMISSION_DENIED, status.UNAVAILABLE]);

/**
 * One gRPC stream with at most one message under way: the next is written when HTTP/2 flow control
 * has accepted the last one.
 */
export class ReportStream {
  readonly #call: ClientWritableStream<Buffer>;
  #underWay: readonly SummedReports[] | undefined;
  readonly #openedAt = performance.now();
  /** Edges that were sent within {@link REVIEW_MS} of the beginning. */
  #early: SummedReports[] = [];
  /**
   * Messages that were sent within {@link DOUBT_MS}: several may be sent while the end of a stream
   * is on its way.
   */
  #recentEdges = 0;
  readonly #recent: { readonly edges: readonly SummedReports[]; readonly at: number }[] = [];
  #isFirst = true;
  #isEnded = false;
  #isCancelled = false;
  readonly #sent: (edges: readonly SummedReports[]) => void;

  /** @param headers sent along, for example a token */
  constructor(client: Client, events: ReportStreamEvents, headers: Readonly<Record<string, string>> = {}) {
    this.#call = client.makeClientStreamRequest(STREAM_V3, asBytes, asBytes, callMetadata(headers), (error) => {
      if (this.#isCancelled) return;
      const unsent = this.#isEnded && error === null ? [] : this.#unread(error);
      this.#underWay = undefined;
      events.ended(unsent, error ?? undefined);
    });
    // A write to a call that has just ended emits an error. The callback above handles it.
    this.#call.on("error", () => undefined);
    this.#sent = (edges) => events.sent(edges);
  }

  /** Whether a message is under way. */
  get isBusy(): boolean {
    return this.#underWay !== undefined;
  }

  /** Whether the next message is the stream's first, which must have the identifier. */
  get isFirst(): boolean {
    return this.#isFirst;
  }

  send(message: Buffer, edges: readonly SummedReports[]): void {
    this.#isFirst = false;
    this.#underWay = edges;
    this.#call.write(message, (error: Error | null | undefined) => {
      if (this.#underWay !== edges || error) return;
      this.#underWay = undefined;
      this.#sentAt(performance.now(), edges);
      this.#sent(edges);
    });
  }

  /** There are no more messages: the server answers when it has read all of them. */
  end(): void {
    this.#isEnded = true;
    this.#call.end();
  }

  /** Ends at once, without a further event. Returns the edges of the message under way. */
  cancel(): readonly SummedReports[] {
    const unsent = this.#underWay ?? [];
    this.#underWay = undefined;
    this.#isCancelled = true;
    this.#call.cancel();
    return unsent;
  }

  #sentAt(at: number, edges: readonly SummedReports[]): void {
    this.#keepRecent(edges, at);
    if (at - this.#openedAt >= REVIEW_MS) this.#early = [];
    else if (this.#early.length + edges.length <= MAX_EARLY) this.#early.push(...edges);
  }

  #keepRecent(edges: readonly SummedReports[], at: number): void {
    this.#recent.push({ edges, at });
    this.#recentEdges += edges.length;
    for (let [oldest] = this.#recent; oldest !== undefined && this.#recent.length > 1; [oldest] = this.#recent) {
      if (this.#recentEdges <= MAX_RECENT && at - oldest.at < DOUBT_MS) break;
      this.#recent.shift();
      this.#recentEdges -= oldest.edges.length;
    }
  }

  /**
   * Edges that were perhaps not read. The message under way comes last. An edge that is in several
   * messages is returned once.
   */
  #unread(error: ServiceError | null): readonly SummedReports[] {
    const now = performance.now();
    const isRefused = now - this.#openedAt < REVIEW_MS && REFUSED.has(error?.code);
    if (isRefused) return [...this.#early, ...(this.#underWay ?? [])];
    const recent = this.#recent.filter(({ at }) => now - at < DOUBT_MS).flatMap(({ edges }) => edges);
    return [...recent, ...(this.#underWay ?? [])];
  }
}
