import { Socket } from "node:net";
import { TCP_OPTIONS } from "../net/tcp-options.ts";
import type { Address } from "../resolve/resolver.ts";

/** How a socket towards a destination reads. */
export interface DestinationSocketOptions {
  /** Where what is read goes, instead of `data` events. */
  readonly onread?: { readonly buffer: Buffer; readonly callback: (length: number) => boolean };
  /** Whether the socket stays open for writing when the destination has closed its side. */
  readonly allowHalfOpen?: boolean;
}

/**
 * Write errors that mean: the destination has closed or reset the connection. What it sent before
 * that is still there to be read.
 */
const CLOSED_BY_PEER = new Set(["EPIPE", "ECONNRESET"]);

type WriteCallback = (error?: Error | null) => void;

/**
 * A connection to a destination which reads what the destination said before it believes that it
 * cannot be written to.
 *
 * A server that answers 401 or 413 from the header, and closes with the body unread, has its kernel
 * send RST behind the answer. The next write fails then, and node:net destroys a socket whose write
 * fails, with the answer unread in the kernel. Linux keeps what came before an RST readable. So a
 * failed write is held here until the reading has come to its end, which after an RST is never far:
 * then the socket fails with that error, unless its user has destroyed it because the answer was
 * complete.
 */
export class DestinationSocket extends Socket {
  #failedWrite: { error: NodeJS.ErrnoException; callback: WriteCallback } | undefined;
  /** Called once, when the destination takes no more. */
  onRefused: (() => void) | undefined;

  /**
   * Begins to connect.
   *
   * @param address is dialled as it stands: nothing is looked up here any more
   */
  constructor({ address, port }: Address, { onread, allowHalfOpen = false }: DestinationSocketOptions) {
    super({ ...TCP_OPTIONS, allowHalfOpen, ...(onread === undefined ? {} : { onread }) });
    this.once("end", () => this.#onReadEnd());
    this.connect({ host: address, port });
  }

  /**
   * Whether the destination reset the connection without having closed its side, so that an end
   * that is read now does not mean that all was said. (Linux tells the two apart: a write after FIN
   * and RST fails with EPIPE, one after RST alone with ECONNRESET.)
   */
  get wasReset(): boolean {
    return this.#failedWrite?.error.code === "ECONNRESET";
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, callback: WriteCallback): void {
    super._write(chunk, encoding, (error) => this.#onWritten(error, callback));
  }

  override _writev(chunks: { chunk: Buffer | string; encoding: BufferEncoding }[], callback: WriteCallback): void {
    super._writev?.(chunks, (error) => this.#onWritten(error, callback));
  }

  #onWritten(error: NodeJS.ErrnoException | null | undefined, callback: WriteCallback): void {
    if (!error || !CLOSED_BY_PEER.has(error.code ?? "") || this.readableEnded || this.destroyed) {
      callback(error);
      return;
    }
    this.#failedWrite = { error, callback };
    this.onRefused?.();
  }

  #onReadEnd(): void {
    // Behind the listeners of whoever uses the socket.
    process.nextTick(() => {
      if (!this.destroyed) this.#failedWrite?.callback(this.#failedWrite.error);
    });
  }
}
