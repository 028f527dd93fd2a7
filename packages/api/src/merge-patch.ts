import { isDeepStrictEqual } from "node:util";
import { isJsonObject, ownValue } from "./json-object.ts";

/**
 * The JSON merge patch (RFC 7386) that makes `from` into `to`; undefined when there is nothing to
 * change. Arrays are replaced whole. Both are values of JSON, or undefined for "not there".
 */
export function mergePatch(from: unknown, to: unknown): unknown {
  if (isDeepStrictEqual(from, to)) return undefined;
  if (to === undefined) return null;
  if (!isJsonObject(from) || !isJsonObject(to)) return to;
  const fields = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  const changes = fields.flatMap((field): [string, unknown][] => {
    const change = mergePatch(ownValue(from, field), ownValue(to, field));
    return change === undefined ? [] : [[field, change]];
  });
  return changes.length === 0 ? undefined : Object.fromEntries(changes);
}

/** Applies a JSON merge patch, as RFC 7386 §2 defines it. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  const result: Record<string, unknown> = isJsonObject(target) ? { ...target } : {};
  for (const [field, change] of Object.entries(patch)) {
    if (change === null) delete result[field];
    else result[field] = applyMergePatch(ownValue(result, field), change);
  }
  return result;
}
