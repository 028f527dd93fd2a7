import { isEgressHost } from "../egress-host.ts";
import { type FieldPath, formatPath } from "../field-path.ts";
import { shortened } from "../shortened.ts";
import { sameOrElse } from "./compare-domain-status.ts";
import type { StatusReading } from "./kind.ts";
import { readDomainStatus, readTime, withoutGaps } from "./read-domain-status.ts";
import { CONDITION_STATUSES, CONDITION_TYPES, type Condition, type DomainStatus, type ServiceFenceStatus } from "./service-fence-status.ts";

type JsonObject = Readonly<Record<string, unknown>>;

/** Paths that {@link describeLeftOut} names: a status may have thousands of hosts. */
const NAMED = 5;
/** And characters of each: a key may have a megabyte, and somebody write another each second. */
const LONGEST_NAMED = 300;
/** Paths that are kept. The rest is counted. */
const KEPT_PATHS = 100;

const TYPES: ReadonlySet<unknown> = new Set(CONDITION_TYPES);
const STATUSES: ReadonlySet<unknown> = new Set(CONDITION_STATUSES);

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
  return { status, leftOut: reader.leftOut, ...(reader.unnamed > 0 && { unnamed: reader.unnamed }) };
}

/**
 * `domains['b'].requests, conditions[0] and 7 more`
 *
 * @param unnamed how many there are beside those whose paths are kept
 */
export function describeLeftOut(leftOut: readonly string[], unnamed = 0): string {
  const more = Math.max(0, leftOut.length - NAMED) + unnamed;
  const named = leftOut.slice(0, NAMED).map((path) => shortened(path, LONGEST_NAMED));
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

class StatusReader {
  readonly leftOut: string[] = [];
  /** What was left out beside {@link leftOut}. */
  unnamed = 0;
  readonly #previous: ServiceFenceStatus | undefined;
  readonly #most: number;

  constructor(previous: ServiceFenceStatus | undefined, most: number) {
    this.#previous = previous;
    this.#most = most;
  }

  status(value: unknown): ServiceFenceStatus {
    if (!isObject(value)) {
      this.#leaveOut(["status"]);
      return this.#previous ?? { domains: {} };
    }
    return withoutGaps<ServiceFenceStatus>({
      domains: this.#domains(value.domains),
      metricStatus: this.#metricStatus(value.metricStatus),
      observedUntil: this.#observedUntil(value.observedUntil),
      conditions: this.#conditions(value.conditions),
    });
  }

  #domains(value: unknown): Record<string, DomainStatus> {
    if (value === undefined || value === null) return {};
    if (!isObject(value)) {
      this.#leaveOut(["domains"]);
      return this.#previous?.domains ?? {};
    }
    const domains: Record<string, DomainStatus> = {};
    const known = this.#previous?.domains ?? {};
    for (const host of this.#keysOf(value, known, "domains")) {
      const entry = value[host];
      const before = Object.hasOwn(known, host) ? known[host] : undefined;
      if (isHost(host) && isObject(entry)) {
        const read = readDomainStatus(entry, (field) => this.#leaveOut(["domains", host, field]));
        domains[host] = sameOrElse(before, read);
        continue;
      }
      // All that is known then is a name.
      this.#leaveOut(["domains", host]);
      if (before !== undefined) domains[host] = before;
    }
    return domains;
  }

  /** As many keys as are read, those first that were there before. */
  #keysOf(value: JsonObject, known: object, field: string): Iterable<string> {
    const keys = Object.keys(value);
    if (keys.length <= this.#most) return keys;
    this.#leaveOut([field], keys.length - this.#most);
    const read = new Set(Object.keys(known).filter((key) => Object.hasOwn(value, key)));
    for (const key of keys) {
      if (read.size >= this.#most) break;
      read.add(key);
    }
    return read;
  }

  #observedUntil(value: unknown): string | undefined {
    const time = readTime(value);
    if (time === undefined && value !== undefined && value !== null) this.#leaveOut(["observedUntil"]);
    return time;
  }

  #metricStatus(value: unknown): Record<string, string> | null | undefined {
    if (value === undefined || value === null) return value;
    if (!isObject(value)) {
      this.#leaveOut(["metricStatus"]);
      return {};
    }
    const readable: [string, string][] = [];
    for (const key of this.#keysOf(value, this.#previous?.metricStatus ?? {}, "metricStatus")) {
      const text = value[key];
      if (typeof text === "string") readable.push([key, text]);
      else this.#leaveOut(["metricStatus", key]);
    }
    return Object.fromEntries(readable);
  }

  /** Of several of one type the first counts. */
  #conditions(value: unknown): Condition[] | undefined {
    if (value === undefined || value === null) return undefined;
    if (!Array.isArray(value)) this.#leaveOut(["conditions"]);
    const items: readonly unknown[] = Array.isArray(value) ? value : [];
    const conditions = new Map<Condition["type"], Condition>();
    for (const [index, item] of items.slice(0, this.#most).entries()) {
      const condition = conditionOf(item);
      if (condition === undefined) this.#leaveOut(["conditions", index]);
      else if (!conditions.has(condition.type)) conditions.set(condition.type, condition);
    }
    if (items.length > this.#most) this.#leaveOut(["conditions"], items.length - this.#most);
    return [...conditions.values()];
  }

  /** @param count of what is left out there */
  #leaveOut(path: FieldPath, count = 1): void {
    if (this.leftOut.length < KEPT_PATHS) this.leftOut.push(formatPath(path));
    else this.unnamed += 1;
    this.unnamed += count - 1;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `__proto__` passes for a host name, and is none that an object could hold. */
function isHost(text: string): boolean {
  return text !== "__proto__" && isEgressHost(text);
}

/**
 * By hand like {@link readDomainStatus}, for the same reason. Undefined when it is none that we
 * know.
 */
function conditionOf(item: unknown): Condition | undefined {
  if (!isObject(item) || !TYPES.has(item.type) || !STATUSES.has(item.status)) return undefined;
  const { type, status, reason, message } = item as Condition;
  const lastTransitionTime = readTime(item.lastTransitionTime);
  if (typeof reason !== "string" || typeof message !== "string" || lastTransitionTime === undefined) return undefined;
  return { type, status, reason, message, lastTransitionTime };
}
