import type { HostLimit } from "@fenceline/wire";
import type { Logger } from "pino";
import { toldLines } from "./told-lines.ts";

const LIMIT_MET = "access-log limit met";
/** Limits that are reached in any mesh. */
const USUAL: ReadonlySet<HostLimit> = new Set(["idle"]);

/**
 * Logs that a limit of the access-log port was reached: each limit once a minute, with the peer
 * that was first, however many peers there are. The metric counts each time.
 */
export function limitLog(logger: Logger): (limit: HostLimit, peer: string) => void {
  const lines = toldLines(logger, LIMIT_MET, { lines: 1, window: 60_000 });
  return (limit, peer) => {
    if (!USUAL.has(limit) && lines.take(limit)) logger.warn({ limit, peer }, LIMIT_MET);
  };
}
