import type { z } from "zod";
import { unitePorts } from "../counts.ts";
import { isEgressHost } from "../egress-host.ts";
import { formatPath } from "../field-path.ts";
import { shortened } from "../shortened.ts";
import type { StatusReading } from "./kind.ts";
import { Condition, DomainStatus, type ServiceFenceStatus } from "./service-fence-status.ts";

type JsonObject = Readonly<Record<string, unknown>>;
type Path = readonly PropertyKey[];

/** Paths that {@link describeLeftOut} names: a status may have thousands of hosts. */
const NAMED = 5;
/** And characters of each: a key may have a megabyte, and somebody write another each second. */
const LONGEST_NAMED = 300;

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
 */
export function readFenceStatus(value: unknown, previous?: ServiceFenceStatus): StatusReading<ServiceFenceStatus> {
  if (value === undefined || value === null) return { status: { domains: {} }, leftOut: [] };
  const reader = new StatusReader(previous);
  return { status: reader.status(value), leftOut: reader.leftOut };
}

/** `domains['b'].requests, conditions[0] and 7 more` */
export function describeLeftOut(leftOut: readonly string[]): string {
  const more = leftOut.length - NAMED;
  const named = leftOut.slice(0, NAMED).map((path) => shortened(path, LONGEST_NAMED));
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

class StatusReader {
  readonly leftOut: string[] = [];
  readonly #previous: ServiceFenceStatus | undefined;

  constructor(previous: ServiceFenceStatus | undefined) {
    this.#previous = previous;
  }

  status(value: unknown): ServiceFenceStatus {
    if (!isObject(value)) {
      this.#leaveOut(["status"]);
      return this.#previous ?? { domains: {} };
    }
    return withoutGaps<ServiceFenceStatus>({
      domains: this.#domains(value.domains),
      metricStatus: this.#metricStatus(value.metricStatus),
      observedUntil: this.#time(value.observedUntil, ["observedUntil"]),
      conditions: this.#conditions(value.conditions),
    });
  }

  #domains(value: unknown): Record<string, DomainStatus> {
    if (value === undefined || value === null) return {};
    if (!isObject(value)) {
      this.#leaveOut(["domains"]);
      return this.#previous?.domains ?? {};
    }
    const entries = Object.entries(value).flatMap(([host, entry]): [string, DomainStatus][] => {
      const domain = isHost(host) ? this.#domain(host, entry) : undefined;
      if (domain !== undefined) return [[host, domain]];
      this.#leaveOut(["domains", host]);
      const known = Object.hasOwn(this.#previous?.domains ?? {}, host) ? this.#previous?.domains[host] : undefined;
      return known === undefined ? [] : [[host, known]];
    });
    return Object.fromEntries(entries);
  }

  /** Undefined when the entry is none: all that is known then is a name. */
  #domain(host: string, entry: unknown): DomainStatus | undefined {
    if (!isObject(entry)) return undefined;
    const whole = DomainStatus.safeParse(entry);
    if (whole.success && isReadable(whole.data)) return whole.data;
    const path = ["domains", host];
    const { shape } = DomainStatus;
    return withoutGaps<DomainStatus>({
      hosts: this.#field(shape.hosts, entry.hosts, [...path, "hosts"]),
      status: this.#field(shape.status, entry.status, [...path, "status"]),
      // Of a newer version, or garbage: with a source the host stays in the fence and ages like any
      // other.
      source: this.#field(shape.source, entry.source, [...path, "source"], "learned"),
      firstSeen: this.#time(entry.firstSeen, [...path, "firstSeen"]),
      lastSeen: this.#time(entry.lastSeen, [...path, "lastSeen"]),
      requests: this.#field(shape.requests, entry.requests, [...path, "requests"], saturated(entry.requests)),
      ports: this.#ports(entry.ports, [...path, "ports"]),
    });
  }

  /**
   * A field as its schema takes it, else what is given for one that it does not take. Null says
   * nothing, as to an API server.
   */
  #field<T>(schema: z.ZodType<T>, value: unknown, path: Path, otherwise?: T): T | undefined {
    const result = schema.safeParse(value ?? undefined);
    if (result.success) return result.data;
    this.#leaveOut(path);
    return otherwise;
  }

  /**
   * In the one form that we compare. Kubernetes also takes a time with an offset or without
   * fractions.
   */
  #time(value: unknown, path: Path): string | undefined {
    if (value === undefined || value === null) return undefined;
    const time = typeof value === "string" && /^\d{4}-/.test(value) ? Date.parse(value) : Number.NaN;
    if (Number.isFinite(time)) return new Date(time).toISOString();
    this.#leaveOut(path);
    return undefined;
  }

  #ports(value: unknown, path: Path): number[] | undefined {
    if (value === undefined) return undefined;
    const ports = Array.isArray(value) ? value.filter(isPort) : [];
    const kept = unitePorts(ports);
    if (!Array.isArray(value) || kept.length < value.length) this.#leaveOut(path);
    return kept.length === 0 ? undefined : kept;
  }

  #metricStatus(value: unknown): Record<string, string> | null | undefined {
    if (value === undefined || value === null) return value;
    const entries = isObject(value) ? Object.entries(value) : [];
    const readable = entries.filter((entry): entry is [string, string] => typeof entry[1] === "string");
    if (!isObject(value)) this.#leaveOut(["metricStatus"]);
    for (const [key, text] of entries) if (typeof text !== "string") this.#leaveOut(["metricStatus", key]);
    return Object.fromEntries(readable);
  }

  #conditions(value: unknown): Condition[] | undefined {
    if (value === undefined || value === null) return undefined;
    if (!Array.isArray(value)) this.#leaveOut(["conditions"]);
    const conditions = new Map<Condition["type"], Condition>();
    for (const [index, item] of (Array.isArray(value) ? value : []).entries()) {
      const condition = this.#field(Condition, item, ["conditions", index]);
      if (condition !== undefined && !conditions.has(condition.type)) conditions.set(condition.type, condition);
    }
    return [...conditions.values()];
  }

  #leaveOut(path: Path): void {
    this.leftOut.push(formatPath(path));
  }
}

/** The same object without the fields that are not there. */
function withoutGaps<T extends object>(fields: { readonly [Field in keyof T]: T[Field] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `__proto__` passes for a host name, and is none that an object could hold. */
function isHost(text: string): boolean {
  return text !== "__proto__" && isEgressHost(text);
}

/** What the schema takes need not be what we can count and compare with. */
function isReadable({ firstSeen, lastSeen, ports = [] }: DomainStatus): boolean {
  const isTime = (time: string | undefined) => time === undefined || Number.isFinite(Date.parse(time));
  return isTime(firstSeen) && isTime(lastSeen) && ports.every(isPort) && unitePorts(ports).length === ports.length;
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;
}

/**
 * A count beyond what a number holds exactly is as high as it can be; whatever else is no count
 * says nothing.
 */
function saturated(value: unknown): number | undefined {
  return typeof value === "number" && value > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : undefined;
}
