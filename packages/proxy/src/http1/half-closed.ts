import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** A request under way, as far as the listener looks at it. */
export interface PendingRequest {
  /**
   * Whether it waits because every connection to its destination is in use. Nothing of it was sent.
   */
  readonly waitsInLine: boolean;
}

/** A response that knows whose it is. */
export type ClientResponse = ServerResponse & { pending?: PendingRequest };

/**
 * Milliseconds without a byte of an answer after which a client that has ended its side is taken to
 * have gone.
 */
export const HALF_CLOSED_TIMEOUT = 5_000;

/**
 * What becomes of requests whose client has ended its side (FIN) before it has its answers.
 *
 * RFC 9112 §9.6 lets a client do so and still read: scripts with `nc -N` do. But FIN is also all
 * that tells of a client that has closed its connection and gone, and TCP tells the two apart only
 * when something is sent to it: then one that has gone answers RST. So the answer is waited for and
 * written, but not for long: what a client that has gone holds at its destination counts for more.
 * A request that waits in line for a connection leaves it at once, as with HAProxy's
 * `abortonclose`: its place is for those who are surely there. (Envoy takes every FIN for the end,
 * and never gives the answer.)
 */
export function onClientEnded(socket: Socket, last: ClientResponse | undefined, timeout: number): void {
  if (last === undefined || last.writableFinished || socket.destroyed) return;
  if (last.pending?.waitsInLine === true) {
    socket.destroy();
    return;
  }
  let written = socket.bytesWritten;
  const check = setInterval(() => {
    // What the kernel does not take yet it goes on asking the client for.
    if (socket.bytesWritten === written && socket.writableLength === 0) socket.destroy();
    written = socket.bytesWritten;
  }, timeout).unref();
  socket.once("close", () => clearInterval(check));
}

/** The same for a connection that turns into a tunnel. @param begun whether its answer has begun */
export function onTunnelClientEnded(socket: Socket, begun: () => boolean): void {
  const check = setTimeout(() => {
    if (!begun()) socket.destroy();
  }, HALF_CLOSED_TIMEOUT).unref();
  socket.once("close", () => clearTimeout(check));
}
