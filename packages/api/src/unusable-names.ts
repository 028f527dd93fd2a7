import type { Fault, FieldPath } from "./field-path.ts";
import { isJsonObject } from "./json-object.ts";

/** A name that zod leaves out of every map, and no map of this language can safely hold. */
const UNUSABLE = "__proto__";

/**
 * Fields of an object's `metadata` and `spec` that are called `__proto__`. A schema of a map does
 * not tell them: a host or label of that name would be dropped without a word.
 */
export function unusableNames(object: unknown): readonly Fault[] {
  const found: Fault[] = [];
  const { metadata, spec } = isJsonObject(object) ? object : {};
  look(metadata, ["metadata"]);
  look(spec, ["spec"]);
  return found;

  function look(inner: unknown, path: FieldPath): void {
    if (Array.isArray(inner)) for (const [index, each] of inner.entries()) look(each, [...path, index]);
    if (!isJsonObject(inner)) return;
    if (Object.hasOwn(inner, UNUSABLE)) found.push({ field: [...path, UNUSABLE], message: "this name cannot be used: choose another one" });
    for (const [name, each] of Object.entries(inner)) if (typeof each === "object" && each !== null) look(each, [...path, name]);
  }
}
