import type { Socket } from "node:net";

/** Milliseconds that a client has to close its side, once everything was said. */
const LINGER = 1_000;

/**
 * Closes a client's connection after the last answer on it.
 *
 * What the client still sends is read and thrown away for a while: closing at once with bytes unread makes the kernel send RST, which can take the
 * answer from a client that has not read it yet (RFC 9112 §9.6).
 */
export function linger(socket: Socket): void {
  if (socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), LINGER).unref();
  socket.once("close", () => clearTimeout(timer));
  socket.once("end", () => socket.destroySoon());
  socket.end();
  socket.resume();
  // The other side's end may have been read before anybody listened for it.
  if (socket.readableEnded) socket.destroySoon();
}
