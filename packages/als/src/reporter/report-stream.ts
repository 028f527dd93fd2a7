import { type Client, type ClientWritableStream, Metadata, type ServiceError } from "@grpc/grpc-js";
import { asBytes, STREAM_V3 } from "../service.ts";
import type { PendingEdge } from "./edge-buffer.ts";

/** Told by a {@link ReportStream}; `ended` is the last, and does not come after {@link ReportStream.cancel}. */
export interface ReportStreamEvents {
  /** The message with these edges has left, and the next one may be sent. */
  sent(edges: readonly PendingEdge[]): void;
  /** The stream is over; `unsent` are the edges of a message that perhaps nobody read. No error: the server ended it, or we did. */
  ended(unsent: readonly PendingEdge[], error: ServiceError | undefined): void;
}

/**
 * A message that left this short a time before its stream ended counts as unread: the call may have been refused, or the server may have died with the
 * message in its socket, and a stream of this service has no acknowledgements.
 */
const DOUBT_MS = 1_000;

/** One gRPC stream with at most one message under way: the next is written when HTTP/2 flow control has let the last one go. */
export class ReportStream {
  readonly #call: ClientWritableStream<Buffer>;
  #underWay: readonly PendingEdge[] | undefined;
  #last: { readonly edges: readonly PendingEdge[]; readonly at: number } | undefined;
  #isFirst = true;
  #isEnded = false;
  #isCancelled = false;
  readonly #sent: (edges: readonly PendingEdge[]) => void;

  constructor(client: Client, events: ReportStreamEvents) {
    // waitForReady: the channel's own back-off decides when to connect; without it every attempt while the collector is away would fail at once.
    const metadata = new Metadata({ waitForReady: true });
    this.#call = client.makeClientStreamRequest(STREAM_V3, asBytes, asBytes, metadata, (error) => {
      if (this.#isCancelled) return;
      const unsent = this.#isEnded && error === null ? [] : (this.#underWay ?? this.#doubtful());
      this.#underWay = undefined;
      events.ended(unsent, error ?? undefined);
    });
    // Writing to a call that has just ended emits an error; what it means is told by the callback above.
    this.#call.on("error", () => undefined);
    this.#sent = (edges) => events.sent(edges);
  }

  /** A message is under way. */
  get isBusy(): boolean {
    return this.#underWay !== undefined;
  }

  /** The next message is the stream's first and must carry the identifier. */
  get isFirst(): boolean {
    return this.#isFirst;
  }

  send(message: Buffer, edges: readonly PendingEdge[]): void {
    this.#isFirst = false;
    this.#underWay = edges;
    this.#call.write(message, (error: Error | null | undefined) => {
      if (this.#underWay !== edges || error) return;
      this.#underWay = undefined;
      this.#last = { edges, at: performance.now() };
      this.#sent(edges);
    });
  }

  /** No more messages: the server answers when it has read them all. */
  end(): void {
    this.#isEnded = true;
    this.#call.end();
  }

  /** Ends at once, without a further event. Returns the edges of the message under way. */
  cancel(): readonly PendingEdge[] {
    const unsent = this.#underWay ?? [];
    this.#underWay = undefined;
    this.#isCancelled = true;
    this.#call.cancel();
    return unsent;
  }

  #doubtful(): readonly PendingEdge[] {
    return this.#last !== undefined && performance.now() - this.#last.at < DOUBT_MS ? this.#last.edges : [];
  }
}
