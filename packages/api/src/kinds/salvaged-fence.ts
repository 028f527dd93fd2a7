/** What of a fence with mistakes counts anyway. */
import { isEgressHost } from "../egress-host.ts";
import type { FieldPath } from "../field-path.ts";
import { isJsonObject, type JsonObject } from "../json-object.ts";

/**
 * Fields whose rest counts. The others say whom a fence is for, and whether it is on, or are
 * fields that there are not, which may be meant for one of those: about them nobody may guess.
 */
const WITH_REST: ReadonlySet<unknown> = new Set([
  "host",
  "namespaceSelector",
  "labelSelector",
  "idleWindow",
  "maxHosts",
  "tcp",
  "serviceEntries",
  "warmUp",
]);

/**
 * A fence without the parts that have faults: a host, an entry of a selector, a field. Undefined
 * where one of them may decide whom the fence is for, or whether it is on.
 */
export function salvagedFence(object: unknown, faults: readonly FieldPath[]): object | undefined {
  if (!isJsonObject(object) || !isJsonObject(object.spec)) return undefined;
  const spec = { ...object.spec };
  if (!faults.every(([top, field]) => top === "spec" && WITH_REST.has(field))) return undefined;
  // Faults of one field at a time: a fence may have ten thousand hosts, each with one.
  for (const [field, paths] of Map.groupBy(faults, ([, field]) => String(field))) {
    const parts = new Set(paths.map(([, , part]) => part));
    const rest = parts.has(undefined) ? undefined : withoutParts(spec[field], parts, field === "host");
    if (rest === undefined) delete spec[field];
    else spec[field] = rest;
  }
  return { ...object, spec };
}

/** Undefined where nothing is left. */
function withoutParts(value: unknown, parts: ReadonlySet<PropertyKey | undefined>, areHosts: boolean): unknown {
  if (Array.isArray(value)) return value.filter((_, index) => !parts.has(index));
  if (!isJsonObject(value)) return undefined;
  return areHosts ? withoutHosts(value, parts) : withoutFields(value, parts);
}

/** A host with a strategy that cannot be read stays for good: it was wanted. */
function withoutHosts(hosts: JsonObject, faulty: ReadonlySet<PropertyKey | undefined>): JsonObject {
  const kept = Object.entries(hosts).filter(([host]) => !faulty.has(host) || isEgressHost(host));
  return Object.fromEntries(kept.map(([host, strategy]) => [host, faulty.has(host) ? null : strategy]));
}

/** Of a warm-up's hosts a fault does not say which one it is about. */
function withoutFields(object: JsonObject, faulty: ReadonlySet<PropertyKey | undefined>): JsonObject {
  const fields = Object.entries(object).flatMap(([name, value]) => {
    if (!faulty.has(name)) return [[name, value] as const];
    const hosts = Array.isArray(value) ? value.filter((each) => typeof each === "string" && isEgressHost(each)) : [];
    return hosts.length === 0 ? [] : [[name, hosts] as const];
  });
  return Object.fromEntries(fields);
}
