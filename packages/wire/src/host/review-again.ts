import type { CallerCheck } from "./caller-check.ts";
import type { GrpcCall } from "./service.ts";

/**
 * Longest time between two checks of an admitted caller, in milliseconds. A revoked token stays
 * valid for this time on open streams, and for the minute that reviews of tokens are remembered:
 * five minutes in all.
 */
export const REVIEWED_EVERY_MS = 4 * 60_000;

/** Part of that time after which a check is repeated that nobody could answer. */
const AGAIN_SOON = 1 / 20;

/** A caller that was admitted once. */
export interface Admitted {
  readonly call: Pick<GrpcCall, "headers" | "peer">;
  readonly check: CallerCheck;
  /** The caller would not be admitted now. Called once. */
  readonly onRefused: () => void;
  /** Default {@link REVIEWED_EVERY_MS}. */
  readonly everyMs?: number | undefined;
}

/**
 * Checks the caller of an endless call repeatedly: a token that was valid when the call began may
 * have been revoked since. The times are random, so that many calls are not checked together.
 *
 * While the check is not possible, for example without the API server, the caller stays admitted.
 *
 * @returns what ends it
 */
export function reviewAgain({ call, check, onRefused, everyMs = REVIEWED_EVERY_MS }: Admitted): () => void {
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;
  const lookLater = (longest = everyMs) => {
    timer = setTimeout(() => void look(), longest * (1 - Math.random() / 2)).unref();
  };
  const look = async () => {
    const refusal = await check(call.headers, call.peer, true);
    if (isOver) return;
    if (refusal === undefined) lookLater();
    else if (refusal.code === "UNAVAILABLE") lookLater(everyMs * AGAIN_SOON);
    else onRefused();
  };
  lookLater();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
