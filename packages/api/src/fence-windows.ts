import type { Ageing } from "./config/ageing.ts";
import { durationMs, formatDuration, LONGEST_DURATION } from "./duration.ts";
import { shortened } from "./foreign-text.ts";
import { type ServiceFenceSpec, timestampMs } from "./kinds/service-fence.ts";

type Limits = Pick<Ageing, "shortestWindow">;

/**
 * A length of time that a host may go unseen, within the limits: `ageing.shortestWindow`, and ten
 * years.
 *
 * Times and counts of a fence are written every tenth of its window, and hosts are told to age by
 * what proxies log once a second. So a window of a millisecond would be ten writes a second for the
 * API server and every replica, and would forget hosts between two calls.
 */
export function boundedWindow(milliseconds: number, { shortestWindow }: Limits): number {
  return Math.min(LONGEST_DURATION, Math.max(durationMs(shortestWindow), milliseconds));
}

/** The idle window of a fence: its own, else the configuration's; in milliseconds. */
export function idleWindowOf({ idleWindow }: Pick<ServiceFenceSpec, "idleWindow">, ageing: Ageing): number {
  return boundedWindow(durationMs(idleWindow ?? ageing.idleWindow), ageing);
}

/** The shortest window of a fence and of its hosts with the `auto` strategy, in milliseconds. */
export function shortestWindowOf(spec: Pick<ServiceFenceSpec, "idleWindow" | "host">, ageing: Ageing): number {
  let shortest = idleWindowOf(spec, ageing);
  for (const strategy of Object.values(spec.host)) {
    const window = timestampMs(strategy?.auto?.duration);
    if (window !== undefined) shortest = Math.min(shortest, boundedWindow(window, ageing));
  }
  return shortest;
}

/**
 * What of a fence's lengths of time counts as another one, for its conditions and the log:
 * `spec.idleWindow 1ms counts as 10s`.
 */
export function windowRemarks({ idleWindow, warmUp, host }: ServiceFenceSpec, ageing: Ageing): string[] {
  const given: [path: string, milliseconds: number | undefined, text: string | undefined][] = [
    ["idleWindow", idleWindow === undefined ? undefined : durationMs(idleWindow), idleWindow],
    ["warmUp.for", warmUp.preload === "None" ? undefined : durationMs(warmUp.for), warmUp.for],
    ...Object.entries(host).flatMap(([name, strategy]): [string, number | undefined, string | undefined][] => {
      const { duration } = strategy?.auto ?? {};
      return duration === undefined ? [] : [[`host['${name}'].auto.duration`, timestampMs(duration), `${duration.seconds ?? 0}s`]];
    }),
  ];
  return given.flatMap(([path, milliseconds, text]) => {
    if (milliseconds === undefined) return [];
    const counted = boundedWindow(milliseconds, ageing);
    const isAsGiven = counted === milliseconds && counted < LONGEST_DURATION;
    return isAsGiven ? [] : [`spec.${path} ${shortened(text ?? "")} counts as ${formatDuration(counted)}`];
  });
}
