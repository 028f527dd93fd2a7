/** Fences in the one form that their schema takes, and what of one counts in spite of faults. */
import { normalHost } from "../egress-host.ts";
import type { FieldPath } from "../field-path.ts";
import { isJsonObject, type JsonObject } from "../json-object.ts";
import { ObjectMeta } from "../object.ts";
import type { Normalized } from "./normalize.ts";

/** Hosts in lower case, without trailing dot and port. See `normalize` of a kind. */
export function normalFence(object: unknown): Normalized {
  const spec = isJsonObject(object) ? object.spec : undefined;
  if (!isJsonObject(object) || !isJsonObject(spec)) return { object, asWritten: (field) => field };
  const host = isJsonObject(spec.host) ? normalHosts(spec.host) : spec.host;
  const warmUp =
    isJsonObject(spec.warmUp) && Array.isArray(spec.warmUp.preload)
      ? { ...spec.warmUp, preload: preload(spec.warmUp.preload) }
      : spec.warmUp;
  return {
    object: { ...object, spec: { ...spec, ...("host" in spec && { host }), ...("warmUp" in spec && { warmUp }) } },
    asWritten: (field) => asWritten(field, spec.host),
  };
}

/** A host that is written twice, in two forms, counts as it is written in the plain one. */
function normalHosts(hosts: JsonObject): JsonObject {
  const names = Object.keys(hosts);
  if (names.every((name) => normalHost(name) === name)) return hosts;
  const plainLast = names.toSorted((one, other) => Number(normalHost(one) === one) - Number(normalHost(other) === other));
  return Object.fromEntries(plainLast.map((name) => [normalHost(name), hosts[name]]));
}

function preload(list: readonly unknown[]): readonly unknown[] {
  return list.map((each) => (typeof each === "string" ? normalHost(each) : each));
}

function asWritten(field: FieldPath, hosts: unknown): FieldPath {
  const [spec, host, name, ...rest] = field;
  if (spec !== "spec" || host !== "host" || name === undefined || !isJsonObject(hosts) || Object.hasOwn(hosts, String(name))) return field;
  return [spec, host, Object.keys(hosts).find((each) => normalHost(each) === name) ?? name, ...rest];
}

/**
 * What switches a fence off, in `enable` or `mode`, however it is written: kubectl reads a plain
 * `Off` or `no` as false, and a quoted one as text.
 */
const OFF: ReadonlySet<unknown> = new Set([false, 0, "false", "off", "no", "n", "0"]);

/**
 * A fence that is switched off, whatever else it says: the emergency stop must not wait for
 * somebody who mends it. Undefined for any other.
 */
export function stoppedFence(object: unknown): object | undefined {
  if (!isJsonObject(object) || !isJsonObject(object.spec)) return undefined;
  const isOff = (value: unknown) => OFF.has(typeof value === "string" ? value.trim().toLowerCase() : value);
  const isStopped = isOff(object.spec.enable) || isOff(object.spec.mode);
  return isStopped ? { ...object, metadata: readableMeta(object.metadata), spec: { enable: false } } : undefined;
}

/** Of `metadata` what can be read. Its name and namespace say which fence it is, and stay. */
function readableMeta(metadata: unknown): unknown {
  if (!isJsonObject(metadata)) return metadata;
  const { name, namespace, labels, ...rest } = metadata;
  const readable = Object.entries(ObjectMeta.shape).filter(([field, schema]) => field in rest && schema.safeParse(rest[field]).success);
  const texts = isJsonObject(labels) ? Object.entries(labels).filter(([, value]) => typeof value === "string") : [];
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    ...Object.fromEntries(readable.map(([field]) => [field, rest[field]])),
    labels: Object.fromEntries(texts),
  };
}
