import type { HostLimit } from "@fenceline/wire";
import type { Logger } from "pino";

/**
 * Milliseconds for which a limit that was logged is not logged again. The metric counts each time.
 */
const QUIET = 60_000;

/** These are met in the best of meshes. */
const USUAL: ReadonlySet<HostLimit> = new Set(["idle"]);

/**
 * Logs that a limit of the access-log port was met: each limit once a minute at most, with the peer
 * that met it first, however many there are.
 */
export function limitLog(logger: Logger, now: () => number): (limit: HostLimit, peer: string) => void {
  const loggedAt = new Map<HostLimit, number>();
  return (limit, peer) => {
    if (USUAL.has(limit) || now() - (loggedAt.get(limit) ?? Number.NEGATIVE_INFINITY) < QUIET) return;
    loggedAt.set(limit, now());
    logger.warn({ limit, peer }, "access-log limit met");
  };
}
