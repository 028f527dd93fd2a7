import type { Duplex } from "node:stream";
import { formatAddress, peerAddress } from "@fenceline/api/vocabulary";

/**
 * The peer of a connection, for example `10.0.0.1:4711`. Undefined once it is closed, unless it was
 * read before.
 */
export function clientAddress(socket: Duplex): string | undefined {
  if (!("remoteAddress" in socket) || !("remotePort" in socket) || typeof socket.remoteAddress !== "string") return undefined;
  const { remoteAddress, remotePort } = socket;
  return formatAddress(peerAddress(remoteAddress), Number(remotePort));
}

/** Milliseconds for a client to close its side after everything was sent. */
const LINGER = 1_000;

/**
 * Closes a client's connection after the last answer on it.
 *
 * For a while, what the client still sends is read and discarded: if a socket with unread bytes is
 * closed, the kernel sends RST, and a client may lose an answer that it has not read yet (RFC 9112
 * §9.6). It is limited, since a client that never closes its side would keep the connection for
 * ever, and so delay the drain of its listener.
 */
export function linger(socket: Duplex): void {
  if (socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), LINGER).unref();
  socket.once("close", () => clearTimeout(timer));
  socket.end();
  socket.resume();
}

/**
 * Makes the next `destroy()` of a socket {@link linger}, for an HTTP/2 session that is about to
 * end. When a session ends with an error, Node destroys its socket as soon as the kernel has
 * GOAWAY. If the client floods, bytes are unread, and by the RST it would lose GOAWAY.
 */
export function lingerWhenDestroyed(socket: Duplex): void {
  socket.destroy = () => {
    Reflect.deleteProperty(socket, "destroy");
    linger(socket);
    return socket;
  };
}
