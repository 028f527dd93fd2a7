import type { Socket } from "node:net";
import { forgetUnread, watchUnread } from "../net/left-peers.ts";
import { MOST_PIECES } from "../net/pieces.ts";

/**
 * Passes the bytes of each socket on to the other, until both directions have ended.
 *
 * Each direction ends for itself (half-close): a client may have sent all it has and still wait for
 * the rest of the answer. A direction that breaks off resets the other side, so that no end that is
 * not one looks like one.
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
  pass(client, destination);
  pass(destination, client);
}

/**
 * As `pipe`, with its back-pressure, and by pieces, too: segments of one byte cost a thousand times
 * what their bytes tell (T-10).
 */
function pass(from: Socket, to: Socket): void {
  let waiting = 0;
  const onTaken = () => {
    waiting -= 1;
    if (waiting === 0 && from.isPaused()) from.resume();
  };
  from.on("data", (piece) => {
    // What breaks off resets this side, too.
    if (!to.writable) return;
    waiting += 1;
    if (!to.write(piece, onTaken) || waiting >= MOST_PIECES) from.pause();
  });
  if (from.readableEnded) to.end();
  else from.once("end", () => to.end());
  // What came early may be more than the other side takes at once.
  if (!to.writableNeedDrain) from.resume();
  else {
    from.pause();
    to.once("drain", () => from.resume());
  }
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
