import { isEgressHost } from "../egress-host.ts";
import { isJsonObject, type JsonObject } from "../json-object.ts";
import { readConditions } from "./condition.ts";
import { sameOrElse } from "./domain-status.ts";
import { LONGEST_ASKED } from "./fence-reset.ts";
import type { StatusReading } from "./kind.ts";
import { LeftOut } from "./left-out.ts";
import { readDomainStatus, withoutGaps } from "./read-domain-status.ts";
import { readTime } from "./read-time.ts";
import { type DomainStatus, FENCE_CONDITION_TYPES, type FenceCondition, type ServiceFenceStatus } from "./service-fence-status.ts";

/** Longest text of a warm-up or a reset that is read, in characters. Ours are shorter. */
const LONGEST_MARK = 200;
const TYPES: ReadonlySet<FenceCondition["type"]> = new Set(FENCE_CONDITION_TYPES);

/**
 * Reads a fence's status, whatever it is: each host for itself, each field of a host and each
 * condition for itself. It never throws.
 *
 * A status is written by machines, some of them older, newer or hostile. Were one field of one host
 * enough to refuse all of it, a workload would lose everything that it has learned. So a host whose
 * times or counts are not readable stays a host, and only what is no host at all goes.
 *
 * @param previous what was read of the same fence before: an entry that has become unreadable keeps
 * its place, since losing it would look like the leader's decision that the host has aged out
 * @param most entries that are read of a map or a list, those of `previous` first. Default: all
 */
export function readFenceStatus(
  value: unknown,
  previous?: ServiceFenceStatus,
  most: number = Number.POSITIVE_INFINITY,
): StatusReading<ServiceFenceStatus> {
  if (value === undefined || value === null) return { status: { domains: {} }, leftOut: [] };
  const reader = new StatusReader(previous, most);
  const status = reader.status(value);
  return { status, ...reader.leftOut.reading() };
}

class StatusReader {
  readonly leftOut = new LeftOut();
  readonly #previous: ServiceFenceStatus | undefined;
  readonly #most: number;

  constructor(previous: ServiceFenceStatus | undefined, most: number) {
    this.#previous = previous;
    this.#most = most;
  }

  status(value: unknown): ServiceFenceStatus {
    if (!isJsonObject(value)) {
      this.leftOut.add(["status"]);
      return this.#previous ?? { domains: {} };
    }
    return withoutGaps<ServiceFenceStatus>({
      domains: this.#domains(value.domains),
      metricStatus: this.#metricStatus(value.metricStatus),
      observedUntil: this.#observedUntil(value.observedUntil),
      warmUp: this.#mark(value, "warmUp"),
      reset: this.#mark(value, "reset"),
      resetAsked: this.#mark(value, "resetAsked", LONGEST_ASKED),
      resetAnswered: this.#mark(value, "resetAnswered", LONGEST_ASKED),
      conditions: readConditions(value.conditions, {
        types: TYPES,
        most: this.#most,
        leaveOut: (path, count) => this.leftOut.add(path, count),
      }),
    });
  }

  #domains(value: unknown): Record<string, DomainStatus> {
    if (value === undefined || value === null) return {};
    if (!isJsonObject(value)) {
      this.leftOut.add(["domains"]);
      return this.#previous?.domains ?? {};
    }
    const domains: Record<string, DomainStatus> = {};
    const known = this.#previous?.domains ?? {};
    for (const host of this.leftOut.keysOf(value, known, ["domains"], this.#most)) {
      const entry = value[host];
      const before = Object.hasOwn(known, host) ? known[host] : undefined;
      if (isHost(host) && isJsonObject(entry)) {
        const read = readDomainStatus(entry, (field) => this.leftOut.add(["domains", host, field]));
        domains[host] = sameOrElse(before, read);
        continue;
      }
      // All that is known then is a name.
      this.leftOut.add(["domains", host]);
      if (before !== undefined) domains[host] = before;
    }
    return domains;
  }

  #observedUntil(value: unknown): string | undefined {
    const time = readTime(value);
    if (time === undefined && value !== undefined && value !== null) this.leftOut.add(["observedUntil"]);
    return time;
  }

  #mark(status: JsonObject, field: keyof ServiceFenceStatus, longest = LONGEST_MARK): string | undefined {
    const value = status[field];
    if (value === undefined || value === null) return undefined;
    if (typeof value === "string" && value.length <= longest) return value;
    this.leftOut.add([field]);
    return undefined;
  }

  #metricStatus(value: unknown): Record<string, string> | null | undefined {
    if (value === undefined || value === null) return value;
    if (!isJsonObject(value)) {
      this.leftOut.add(["metricStatus"]);
      return {};
    }
    const readable: [string, string][] = [];
    for (const key of this.leftOut.keysOf(value, this.#previous?.metricStatus ?? {}, ["metricStatus"], this.#most)) {
      const text = value[key];
      if (typeof text === "string") readable.push([key, text]);
      else this.leftOut.add(["metricStatus", key]);
    }
    return Object.fromEntries(readable);
  }
}

/** `__proto__` passes for a host name, and is none that an object could hold. */
function isHost(text: string): boolean {
  return text !== "__proto__" && isEgressHost(text);
}
