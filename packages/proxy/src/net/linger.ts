import type { Duplex } from "node:stream";

/** Milliseconds that a client has to close its side, once everything was said. */
const LINGER = 1_000;

/**
 * Closes a client's connection after the last answer on it.
 *
 * What the client still sends is read and thrown away for a while: closing at once with bytes
 * unread makes the kernel send RST, which can take the answer from a client that has not read it
 * yet (RFC 9112 §9.6). For a while only: a client that never closes its side would keep the
 * connection for ever, and with it the drain of a listener that has handed it on.
 */
export function linger(socket: Duplex): void {
  if (socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), LINGER).unref();
  socket.once("close", () => clearTimeout(timer));
  socket.end();
  socket.resume();
}
