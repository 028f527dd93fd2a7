import { type FenceKey, formatFenceKey } from "@fenceline/api/vocabulary";
import type { Call, Exchange } from "../calls/call.ts";
import { UnorderedList } from "../calls/unordered-list.ts";

/**
 * The state of a call in flight: it waits for its answer, gets its answer, or is a tunnel after an
 * upgrade or with TLS.
 */
export const CALL_KINDS = ["waiting", "answering", "upgrade", "tls"] as const;
export type CallKind = (typeof CALL_KINDS)[number];

/** A call that has been in flight for long. */
export interface LongLivedCall {
  readonly kind: CallKind;
  /** `<namespace>/<fence>`; null when the call does not name it. */
  readonly source: string | null;
  /** Host as the caller wrote it; null when it is not known. */
  readonly host: string | null;
  /** Where it was sent, for example `http://10.0.0.1:80`; null before that. */
  readonly endpoint: string | null;
  /** Seconds in flight, to a second. */
  readonly seconds: number;
}

/** Milliseconds in flight after which a call is long-lived, by default. */
const LONG_LIVED_AFTER = 30_000;
/** Most calls that are listed. */
export const MAX_LISTED_CALLS = 100;
/** Most characters of a host in the list. */
const MAX_HOST = 256;

/**
 * The calls in flight, and their ages.
 *
 * The clock is not read for each call: on some machines this costs 0.25 µs. Calls begin among the
 * young. {@link age}, called once a second, moves those that are still there to the aged ones,
 * which are few, and notes the time. So a call costs a place in a list, and its age is known to a
 * second.
 */
export class CallsInFlight {
  readonly #young = new UnorderedList<Call>();
  /**
   * Calls with the time at which they were first seen by {@link age}, in milliseconds of a
   * monotonic clock. Oldest first.
   */
  readonly #aged = new Map<Call, number>();
  readonly #longLivedAfter: number;

  constructor(longLivedAfter = LONG_LIVED_AFTER) {
    this.#longLivedAfter = longLivedAfter;
  }

  get size(): number {
    return this.#young.size + this.#aged.size;
  }

  /** All calls, in no order. It is a copy: the calls may end meanwhile. */
  all(): readonly Call[] {
    return [...this.#young.list(), ...this.#aged.keys()];
  }

  /** Their exchanges, which hold their memory. */
  holders(): readonly Exchange[] {
    return this.all().map(({ exchange }) => exchange);
  }

  begin(call: Call): void {
    this.#young.add(call);
  }

  end(call: Call): void {
    if (!this.#young.delete(call)) this.#aged.delete(call);
  }

  /** Notes which calls are still there. @param now milliseconds of a monotonic clock */
  age(now: number): void {
    for (const call of this.#young.takeAll()) this.#aged.set(call, now);
  }

  /** How many of each kind are long-lived. */
  longLived(now: number): Readonly<Record<CallKind, number>> {
    const counts = { waiting: 0, answering: 0, upgrade: 0, tls: 0 };
    for (const [call] of this.#olderThanThreshold(now)) counts[kindOf(call)] += 1;
    return counts;
  }

  /** Seconds that the oldest call has been in flight; 0 without one that was seen twice. */
  oldest(now: number): number {
    for (const [, since] of this.#aged) return (now - since) / 1_000;
    return 0;
  }

  /** The long-lived calls, oldest first. @param limit of their number */
  list(now: number, limit: number): readonly LongLivedCall[] {
    const calls: LongLivedCall[] = [];
    for (const [call, since] of this.#olderThanThreshold(now)) {
      if (calls.length === limit) break;
      calls.push(describe(call, now - since));
    }
    return calls;
  }

  *#olderThanThreshold(now: number): Generator<[Call, number]> {
    for (const entry of this.#aged) {
      if (now - entry[1] < this.#longLivedAfter) return;
      yield entry;
    }
  }
}

function kindOf({ answered, exchange: { kind } }: Call): CallKind {
  return answered ? (kind ?? "answering") : "waiting";
}

function describe(call: Call, age: number): LongLivedCall {
  const destination = call.route?.destination;
  return {
    kind: kindOf(call),
    source: sourceOf(destination?.source),
    host: destination?.authority.slice(0, MAX_HOST) ?? null,
    endpoint: call.exchange.address?.origin ?? null,
    seconds: Math.round(age / 1_000),
  };
}

function sourceOf(source: FenceKey | undefined): string | null {
  return source === undefined ? null : formatFenceKey(source);
}
