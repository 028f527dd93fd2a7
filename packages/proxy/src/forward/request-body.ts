import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";

/**
 * The body of a request on its way to undici.
 *
 * undici destroys a body stream when the exchange ends early (an answer before the upload is complete, a broken connection). Done to the
 * `IncomingMessage` itself, that stops the client's connection for good, because nobody reads it any more. This stream takes the blow
 * instead and lets the rest of the upload run off, so that the client sees the answer and can use its connection again.
 */
export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #awaitsContinue: ServerResponse | undefined;
  #started = false;

  /** @param awaitsContinue the response of a client that waits for `100 Continue`; it is told to go on when the destination is connected */
  constructor(request: IncomingMessage, awaitsContinue: ServerResponse | undefined) {
    super();
    this.#request = request;
    this.#awaitsContinue = awaitsContinue;
  }

  /** Whether a byte was asked for: from then on the request cannot be sent anew. */
  get started(): boolean {
    return this.#started;
  }

  override _read(): void {
    if (this.#started) {
      this.#request.resume();
      return;
    }
    this.#started = true;
    this.#awaitsContinue?.writeContinue();
    this.#request.on("data", this.#onData).on("end", this.#onEnd).on("close", this.#onClose);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#request.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onClose);
    this.#request.resume();
    callback(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.#request.pause();
  };

  readonly #onEnd = (): void => {
    this.push(null);
  };

  /** The client went away: the body must not look complete to the destination. */
  readonly #onClose = (): void => {
    if (!this.#request.complete) this.destroy(new Error("the client closed the connection during its upload"));
  };
}
