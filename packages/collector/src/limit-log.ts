import { LineBudget } from "@fenceline/api";
import type { HostLimit } from "@fenceline/wire";
import type { Logger } from "pino";

/** Limits that are reached in any mesh. */
const USUAL: ReadonlySet<HostLimit> = new Set(["idle"]);

/**
 * Logs that a limit of the access-log port was reached: each limit at most once a minute, with the
 * peer that was first, however many peers there are. The metric counts each time.
 */
export function limitLog(logger: Logger): (limit: HostLimit, peer: string) => void {
  const lines = new LineBudget({ lines: 1, window: 60_000 });
  return (limit, peer) => {
    const suppressed = USUAL.has(limit) ? undefined : lines.take(limit);
    if (suppressed !== undefined) logger.warn({ limit, peer, suppressed: suppressed || undefined }, "access-log limit met");
  };
}
