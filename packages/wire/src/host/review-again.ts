import type { CallerCheck } from "./caller-check.ts";
import type { GrpcCall } from "./service.ts";

/**
 * Longest time between two looks at a caller that was let in, in milliseconds. A token that was
 * revoked is of use that much longer, on streams that are open.
 */
export const REVIEWED_EVERY_MS = 5 * 60_000;

/** A caller that was let in once. */
export interface Admitted {
  readonly call: Pick<GrpcCall, "headers" | "peer">;
  readonly check: CallerCheck;
  /** It would not be let in now. Told once. */
  readonly onRefused: () => void;
  /** Default {@link REVIEWED_EVERY_MS}. */
  readonly everyMs?: number | undefined;
}

/**
 * Looks again and again at the caller of a call that goes on without end: a token that was good
 * when the call began may have been revoked since. At random times, so that many calls are not
 * looked at together.
 *
 * While nobody can tell, as when the API server is away, the caller stays: it was let in by
 * somebody who could.
 *
 * @returns what ends it
 */
export function reviewAgain({ call, check, onRefused, everyMs = REVIEWED_EVERY_MS }: Admitted): () => void {
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;
  const lookLater = () => {
    timer = setTimeout(() => void look(), everyMs * (1 - Math.random() / 2)).unref();
  };
  const look = async () => {
    const refusal = await check(call.headers, call.peer, true);
    if (isOver) return;
    if (refusal === undefined || refusal.code === "UNAVAILABLE") lookLater();
    else onRefused();
  };
  lookLater();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
