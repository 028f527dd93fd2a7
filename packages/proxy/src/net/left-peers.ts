import type { Socket } from "node:net";

/** Milliseconds between two looks. */
const INTERVAL = 2_000;

/** Connections that are not read from, because the other side does not take what came. */
const unread = new Set<Socket>();
/** Runs while there are any. */
let timer: NodeJS.Timeout | undefined;

/**
 * Notices that the peer of a connection which is not read from has reset it.
 *
 * Such a socket tells neither an end nor a reset: libuv asks the kernel for nothing. So a caller
 * whose upload its destination does not take could leave, and hold its place there and a connection
 * of each side for as long as the destination likes. To write nothing costs a system call, and
 * fails on a connection that was reset. (Envoy hears of it by EPOLLRDHUP, and of an end too, where
 * nothing is unread before it.)
 */
export function watchUnread(socket: Socket): void {
  unread.add(socket);
  timer ??= setInterval(look, INTERVAL).unref();
}

/** The connection is read from again. */
export function forgetUnread(socket: Socket): void {
  if (unread.delete(socket)) stopIfNone();
}

function look(): void {
  for (const socket of unread) {
    if (!socket.writable) unread.delete(socket);
    // The kernel tells of a connection that it is asked to take bytes for.
    else if (socket.writableLength === 0) socket.write("");
  }
  stopIfNone();
}

function stopIfNone(): void {
  if (unread.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
