import type { Socket } from "node:net";

/** Milliseconds between two checks. */
const INTERVAL = 2_000;

/** Connections that are not read, because the other side does not accept more. */
const unread = new Set<Socket>();
/** Runs while there are such connections. */
let timer: NodeJS.Timeout | undefined;

/**
 * Notices when the peer of a connection that is not read resets it.
 *
 * Such a socket reports neither an end nor a reset, since libuv does not poll it. So a caller whose
 * upload its destination does not read could disconnect, and still hold its place there and a
 * connection on each side, for as long as the destination likes. An empty write costs a system
 * call, and fails on a connection that was reset. (Envoy notices this by EPOLLRDHUP, and also an
 * end, if nothing before it is unread.)
 */
export function watchUnread(socket: Socket): void {
  unread.add(socket);
  timer ??= setInterval(look, INTERVAL).unref();
}

/** The connection is read again. */
export function forgetUnread(socket: Socket): void {
  if (unread.delete(socket)) stopIfNone();
}

function look(): void {
  for (const socket of unread) {
    if (!socket.writable) unread.delete(socket);
    // While bytes wait to be written, the kernel reports a reset itself.
    else if (socket.writableLength === 0) socket.write("");
  }
  stopIfNone();
}

function stopIfNone(): void {
  if (unread.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
