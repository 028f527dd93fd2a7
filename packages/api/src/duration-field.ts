import { z } from "zod";
import { DURATION, parseDuration } from "./duration.ts";

const ADVICE = "not a duration: write a number and a unit, for example 300ms, 90s, 1h30m or 24h";

/**
 * A duration in a manifest: text such as `24h`. Any length is taken here, and what is beyond the
 * limits counts as the limit, as `fence-windows.ts` has it. An object that exists must not stop to
 * be one, and forget what it has learned, because a limit was set or moved.
 */
export const duration = z.string().regex(DURATION, ADVICE);

/**
 * A duration in a configuration, from one length to another, both included. A configuration is
 * refused whole, before anything runs with it.
 *
 * @param shortest and `longest`: durations themselves, since the message names them
 */
export function durationBetween(shortest: string, longest: string) {
  const least = parseDuration(shortest) ?? Number.NaN;
  const most = parseDuration(longest) ?? Number.NaN;
  const isWithin = (text: string) => {
    const length = DURATION.test(text) ? (parseDuration(text) ?? Number.POSITIVE_INFINITY) : least;
    return length >= least && length <= most;
  };
  return z
    .string()
    .regex(DURATION, ADVICE)
    .refine(isWithin, { message: `out of range: from ${shortest} to ${longest}` });
}
