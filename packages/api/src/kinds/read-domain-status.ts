import { areUnited, MOST_PORTS, unitePorts } from "../counts.ts";
import { parseDuration } from "../duration.ts";
import { readTime } from "./read-time.ts";
import { DOMAIN_STATES, type DomainStatus, HOST_SOURCES } from "./service-fence-status.ts";

/**
 * Most elements of a host's list that are looked at. We write one host, and {@link MOST_PORTS}
 * ports.
 */
const MOST_LISTED = 1_000;
/** Longest text that is looked at as a duration, in characters. */
const LONGEST_TEXT = 40;
const STATES: ReadonlySet<unknown> = new Set(DOMAIN_STATES);
const SOURCES: ReadonlySet<unknown> = new Set(HOST_SOURCES);

/**
 * One entry of `status.domains`, each field for itself: what the schema `DomainStatus` takes, and
 * what is near it.
 *
 * Read by hand: a status may have thousands of entries, each change of it is read on the event
 * loop, and a schema takes five microseconds for an entry that is as it should be, and 40 for one
 * that is not.
 *
 * @param leaveOut told of each field that is not readable as it stands
 */
export function readDomainStatus(entry: Readonly<Record<string, unknown>>, leaveOut: (field: keyof DomainStatus) => void): DomainStatus {
  /** Null says nothing, as to an API server. */
  const take = <Field extends keyof DomainStatus>(field: Field, read: (value: unknown) => Reading<DomainStatus[Field]>) => {
    const value = entry[field];
    if (value === undefined || value === null) return undefined;
    const { as, isWhole } = read(value);
    if (!isWhole) leaveOut(field);
    return as;
  };
  // One literal: V8 keeps its fields in the object, and those added one by one beside it, which a
  // mesh of 200,000 edges pays for.
  const domain = {
    hosts: take("hosts", textsOf),
    status: take("status", stateOf),
    source: take("source", sourceOf),
    firstSeen: take("firstSeen", timeReading),
    lastSeen: take("lastSeen", timeReading),
    requests: take("requests", countOf),
    ports: take("ports", portsOf),
    idleWindow: take("idleWindow", windowReading),
    requiredBy: take("requiredBy", textsOf),
  };
  return withoutGaps<DomainStatus>(domain);
}

/** The same object without the fields that are not there. */
export function withoutGaps<T extends object>(fields: { readonly [Field in keyof T]: T[Field] | undefined }): T {
  if (!Object.values(fields).includes(undefined)) return fields as T;
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

/** What a field is read as, and whether that is all it says. */
interface Reading<T> {
  readonly as: T | undefined;
  readonly isWhole: boolean;
}

function whole<T>(as: T): Reading<T> {
  return { as, isWhole: true };
}

function partOf<T = never>(as?: T): Reading<T> {
  return { as, isWhole: false };
}

function textsOf(value: unknown): Reading<string[]> {
  const isReadable = Array.isArray(value) && value.length <= MOST_LISTED && value.every((text) => typeof text === "string");
  return isReadable ? whole(value) : partOf();
}

function stateOf(value: unknown): Reading<DomainStatus["status"]> {
  return STATES.has(value) || Number.isSafeInteger(value) ? whole(value as DomainStatus["status"]) : partOf();
}

/**
 * Of a newer version, or garbage: with a source the host stays in the fence and ages like any
 * other.
 */
function sourceOf(value: unknown): Reading<DomainStatus["source"]> {
  return SOURCES.has(value) ? whole(value as DomainStatus["source"]) : partOf("learned");
}

function timeReading(value: unknown): Reading<string> {
  const time = readTime(value);
  return { as: time, isWhole: time !== undefined };
}

function windowReading(value: unknown): Reading<string> {
  const isReadable = typeof value === "string" && value.length <= LONGEST_TEXT && parseDuration(value) !== undefined;
  return isReadable ? whole(value) : partOf();
}

/**
 * A count beyond what a number holds exactly is as high as it can be; whatever else is no count
 * says nothing.
 */
function countOf(value: unknown): Reading<number> {
  if (typeof value !== "number" || !(value >= 0)) return partOf();
  if (value > Number.MAX_SAFE_INTEGER) return partOf(Number.MAX_SAFE_INTEGER);
  return Number.isInteger(value) ? whole(value) : partOf();
}

function portsOf(value: unknown): Reading<number[]> {
  if (!Array.isArray(value)) return partOf();
  if (value.length <= MOST_PORTS && value.every(isPort) && areUnited(value)) return whole(value);
  const kept = unitePorts(value.slice(0, MOST_LISTED).filter(isPort));
  return { as: kept.length === 0 ? undefined : kept, isWhole: kept.length === value.length };
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;
}
