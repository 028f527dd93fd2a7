import type { Socket } from "node:net";
import { forgetUnread, watchUnread } from "../net/left-peers.ts";
import { MOST_PIECES } from "../net/pieces.ts";

/**
 * Copies the bytes of each socket to the other, until both directions have ended.
 *
 * Each direction ends by itself (half-close): a client may have sent everything and still wait for
 * the rest of the answer. If a direction breaks, the other side is reset, so that it does not look
 * like a normal end.
 *
 * @param idleTimeout milliseconds without a byte in either direction, after which both are closed;
 * 0 for never
 */
export function splice(client: Socket, destination: Socket, idleTimeout: number): void {
  breakOffTogether(client, destination);
  breakOffTogether(destination, client);
  if (idleTimeout === 0) for (const side of [client, destination]) watchWhilePaused(side);
  // Every byte passes the client's socket, in either direction.
  client.setTimeout(idleTimeout, () => {
    client.destroy();
    destination.destroy();
  });
  pass(client, destination);
  pass(destination, client);
}

/**
 * Like `pipe`, with its back-pressure, but pieces count, too: segments of one byte cost a thousand
 * times their size (T-10).
 */
function pass(from: Socket, to: Socket): void {
  let waiting = 0;
  const onTaken = () => {
    waiting -= 1;
    if (waiting === 0 && from.isPaused()) from.resume();
  };
  from.on("data", (piece) => {
    // A broken connection resets this side, too.
    if (!to.writable) return;
    waiting += 1;
    if (!to.write(piece, onTaken) || waiting >= MOST_PIECES) from.pause();
  });
  if (from.readableEnded) to.end();
  else from.once("end", () => to.end());
  // The early bytes may be more than the other side accepts at once.
  if (!to.writableNeedDrain) from.resume();
  else {
    from.pause();
    to.once("drain", () => from.resume());
  }
}

/** Bytes that were read from the other side and not yet accepted by this one. */
export function unsent(socket: Socket | undefined): number {
  return socket?.writableLength ?? 0;
}

/** Bytes that were read from the other side and accepted by this one. */
export function sent(socket: Socket | undefined): number {
  return socket === undefined ? 0 : socket.bytesWritten - socket.writableLength;
}

/** With an idle timeout, the check would count as a byte. */
function watchWhilePaused(socket: Socket): void {
  socket.on("pause", () => watchUnread(socket)).on("resume", () => forgetUnread(socket));
}

function breakOffTogether(socket: Socket, other: Socket): void {
  socket.on("error", () => reset(other));
  socket.on("close", () => {
    if (!socket.readableEnded) reset(other);
  });
}

/** Closes with RST, unless our side has ended already: then it closes when everything was sent. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroySoon();
  else socket.resetAndDestroy();
}
