import type { Duplex } from "node:stream";
import { formatAddress } from "@fenceline/api/vocabulary";

/**
 * `10.0.0.1:4711`: who a connection comes from. Undefined once it is closed, unless it was asked
 * for before.
 */
export function clientAddress(socket: Duplex): string | undefined {
  if (!("remoteAddress" in socket) || !("remotePort" in socket) || typeof socket.remoteAddress !== "string") return undefined;
  const { remoteAddress, remotePort } = socket;
  return formatAddress(remoteAddress, Number(remotePort));
}

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

/**
 * Has the next `destroy()` of a socket linger in its place, for an HTTP/2 session that is about to
 * end. Node destroys the socket of a session that ends with an error as soon as GOAWAY is handed
 * to the kernel. Of a client that floods there are bytes unread, and the RST took GOAWAY from it.
 */
export function lingerWhenDestroyed(socket: Duplex): void {
  socket.destroy = () => {
    Reflect.deleteProperty(socket, "destroy");
    linger(socket);
    return socket;
  };
}
