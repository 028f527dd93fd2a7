import { Socket } from "node:net";
import { TCP_OPTIONS } from "../net/tcp-options.ts";
import type { Address } from "../resolve/resolver.ts";

/** How a socket towards a destination reads. */
export interface DestinationSocketOptions {
  /** Gets what is read, instead of `data` events. */
  readonly onread?: { readonly buffer: Buffer; readonly callback: (length: number) => boolean };
  /** Whether the socket stays open for writing when the destination has closed its side. */
  readonly allowHalfOpen?: boolean;
}

/**
 * Codes of write errors which mean that the destination has closed or reset the connection. What it
 * sent before can still be read.
 */
const CLOSED_BY_PEER = new Set(["EPIPE", "ECONNRESET"]);

type WriteCallback = (error?: Error | null) => void;

/**
 * A connection to a destination that still reads after a write has failed.
 *
 * A server may answer 401 or 413 after the header, and close while the body is unread. Then its
 * kernel sends RST after the answer. The next write fails, and node:net destroys a socket whose
 * write fails, with the answer unread in the kernel. Linux keeps what came before an RST readable.
 * So a failed write is held here until everything is read, which after an RST is soon. Then the
 * socket fails with that error, unless its user has destroyed it because the answer was complete.
 */
export class DestinationSocket extends Socket {
  #failedWrite: { error: NodeJS.ErrnoException; callback: WriteCallback } | undefined;
  /** Called once, when the destination accepts no more data. */
  onRefused: (() => void) | undefined;

  /**
   * Begins to connect.
   *
   * @param address is dialled as it is, without any look-up
   */
  constructor({ address, port }: Address, { onread, allowHalfOpen = false }: DestinationSocketOptions) {
    super({ ...TCP_OPTIONS, allowHalfOpen, ...(onread === undefined ? {} : { onread }) });
    this.once("end", () => this.#onReadEnd());
    this.connect({ host: address, port });
  }

  /**
   * Whether the destination reset the connection without having closed its side: then an end that
   * is read now does not mean that everything was sent. (Linux tells the two apart: a write after
   * FIN and RST fails with EPIPE, one after RST alone with ECONNRESET.)
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
    // Called after the listeners of the socket's user.
    process.nextTick(() => {
      if (!this.destroyed) this.#failedWrite?.callback(this.#failedWrite.error);
    });
  }
}
