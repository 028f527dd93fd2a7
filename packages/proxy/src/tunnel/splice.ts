import type { Socket } from "node:net";
import { forgetUnread, watchUnread } from "../net/left-peers.ts";

/**
 * Passes the bytes of each socket on to the other, until both directions have ended.
 *
 * Each direction ends for itself (half-close): a client may have sent all it has and still wait for
 * the rest of the answer. A direction that breaks off resets the other side, so that no end that is
 * not one looks like one. Back-pressure is that of `pipe`.
 *
 * @param idleTimeout milliseconds without a byte in either direction, after which both are closed;
 * 0 for never
 */
export function splice(client: Socket, destination: Socket, idleTimeout: number): void {
  breakOffTogether(client, destination);
  breakOffTogether(destination, client);
  if (idleTimeout === 0) for (const side of [client, destination]) watchWhilePaused(side);
  // Every byte passes through the client's socket, in one direction or the other.
  client.setTimeout(idleTimeout, () => {
    client.destroy();
    destination.destroy();
  });
  client.pipe(destination);
  destination.pipe(client);
}

/** Bytes that were read from one side and that this one has not taken. */
export function unsent(socket: Socket | undefined): number {
  return socket?.writableLength ?? 0;
}

/** Bytes that were read from one side and that this one has taken. */
export function sent(socket: Socket | undefined): number {
  return socket === undefined ? 0 : socket.bytesWritten - socket.writableLength;
}

/** With an idle time, the look would count as a byte. */
function watchWhilePaused(socket: Socket): void {
  socket.on("pause", () => watchUnread(socket)).on("resume", () => forgetUnread(socket));
}

function breakOffTogether(socket: Socket, other: Socket): void {
  socket.on("error", () => reset(other));
  socket.on("close", () => {
    if (!socket.readableEnded) reset(other);
  });
}

/** Closes with RST where nothing has said yet that all was sent, else when all has left. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroySoon();
  else socket.resetAndDestroy();
}
