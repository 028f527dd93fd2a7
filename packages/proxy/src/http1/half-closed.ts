import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** A request under way, as the listener sees it. */
export interface PendingRequest {
  /**
   * Whether it waits because every connection to its destination is in use. Then nothing of it was
   * sent.
   */
  readonly waitsInLine: boolean;
}

/** A response with its request. */
export type ClientResponse = ServerResponse & { pending?: PendingRequest };

/**
 * Milliseconds without a byte of an answer after which a client that has ended its side counts as
 * disconnected.
 */
export const HALF_CLOSED_TIMEOUT = 5_000;

/**
 * Handles requests whose client ends its side (FIN) before it has its answers.
 *
 * RFC 9112 §9.6 allows a client to do so and still read, as scripts with `nc -N` do. But a client
 * that has closed its connection also sends only FIN. TCP distinguishes the two only when something
 * is sent: a closed one answers RST. So we wait for the answer and write it, but not for long,
 * since a disconnected client still holds a place at its destination. A request that waits for a
 * connection ends at once, as with HAProxy's `abortonclose`: its place is for clients that are
 * certainly there. (Envoy treats every FIN as the end, and never sends the answer.)
 */
export function onClientEnded(socket: Socket, last: ClientResponse | undefined, timeout: number): void {
  if (last === undefined || last.writableFinished || socket.destroyed) return;
  if (last.pending?.waitsInLine === true) {
    socket.destroy();
    return;
  }
  let written = socket.bytesWritten;
  const check = setInterval(() => {
    // While the kernel has unsent bytes, it keeps probing the client.
    if (socket.bytesWritten === written && socket.writableLength === 0) socket.destroy();
    written = socket.bytesWritten;
  }, timeout).unref();
  socket.once("close", () => clearInterval(check));
}

/** The same for a connection that becomes a tunnel. @param begun whether its answer has begun */
export function onTunnelClientEnded(socket: Socket, begun: () => boolean): void {
  const check = setTimeout(() => {
    if (!begun()) socket.destroy();
  }, HALF_CLOSED_TIMEOUT).unref();
  socket.once("close", () => clearTimeout(check));
}
