import { z } from "zod";
import type { FieldPath } from "../field-path.ts";
import type { JsonObject } from "../json-object.ts";
import { namesOf } from "./field-names.ts";

/** An object in the one form that its schema reads. */
export interface Normalized {
  readonly object: unknown;
  /** A field of that form as the author of the object named it. */
  readonly asWritten: (field: FieldPath) => FieldPath;
}

/** Names of the fields of a value, and of what is in it. */
interface Names {
  /** By every name that a field may have: its own comes first. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  /** By the field's own name. */
  readonly below: ReadonlyMap<string, Names>;
  /** Of each element of a list, or value of a map. */
  readonly each: Names | undefined;
}

type JsonSchema = z.core.JSONSchema.JSONSchema;

/**
 * Makes the `normalize` of a kind: one form of its objects, whichever version and spelling they
 * were written in, by the other names that fields of its spec have (`alsoNamed`,
 * `eitherSpelling`).
 *
 * It goes by the fields that are there and not by the `apiVersion`. An API server that serves
 * several versions of a kind converts by writing another `apiVersion` over the one that was
 * applied, so that says nothing of how the object was written.
 *
 * Never throws, whatever the value is: what is no such object is left as it is, for the schema to
 * refuse. What has one form already is not copied.
 */
export function normalizer(spec: z.ZodType): (object: unknown) => Normalized {
  const specNames = namesOfSpec(spec);
  const names: Names = { fields: new Map(), below: new Map(specNames && [["spec", specNames]]), each: undefined };
  return (object) => ({
    object: specNames === undefined ? object : renamed(object, names),
    asWritten: (field) => (specNames === undefined ? field : written(object, field, names)),
  });
}

/** Whether a field of a schema has other names, so that its kind must be normalized. */
export function hasOtherNames(spec: z.ZodType): boolean {
  return namesOfSpec(spec) !== undefined;
}

function namesOfSpec(spec: z.ZodType): Names | undefined {
  return namesIn(z.toJSONSchema(spec, { io: "input", reused: "inline" }));
}

/** Undefined where nothing has another name. */
function namesIn(json: JsonSchema | boolean | undefined): Names | undefined {
  if (typeof json !== "object") return undefined;
  // Of a union of objects there is no telling which one is meant; none of ours is.
  const union = json.anyOf?.map((part) => namesIn(part as JsonSchema)).find((names) => names !== undefined);
  if (union !== undefined) return union;
  const properties = Object.entries(json.properties ?? {}).map(([name, child]) => [name, child as JsonSchema] as const);
  const fields = properties.map(([name, child]) => [name, ...namesOf(child)]).filter((all) => all.length > 1);
  const below = properties.flatMap(([name, child]) => {
    const names = namesIn(child);
    return names === undefined ? [] : [[name, names] as const];
  });
  const each = namesIn(elementOf(json)) ?? namesIn(json.additionalProperties as JsonSchema | boolean | undefined);
  if (fields.length + below.length === 0 && each === undefined) return undefined;
  return { fields: new Map(fields.flatMap((all) => all.map((name) => [name, all] as const))), below: new Map(below), each };
}

function elementOf({ items }: JsonSchema): JsonSchema | undefined {
  return (Array.isArray(items) ? items[0] : items) as JsonSchema | undefined;
}

function renamed(value: unknown, names: Names | undefined): unknown {
  if (names === undefined || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return mapped(value, (item) => renamed(item, names.each));
  const object = value as JsonObject;
  const entries = Object.keys(object).map((key) => {
    const own = names.fields.get(key)?.[0] ?? key;
    return { key, own, counts: writtenName(object, own, names) === key };
  });
  const isPlain = entries.every(({ key, own, counts }) => key === own && counts);
  const kept = entries
    .filter(({ counts }) => counts)
    .map(({ key, own }) => [own, renamed(object[key], names.below.get(own) ?? names.each)] as const);
  return isPlain && kept.every(([key, inner]) => inner === object[key]) ? value : Object.fromEntries(kept);
}

/** The same list where nothing in it changes. */
function mapped(list: readonly unknown[], change: (item: unknown) => unknown): readonly unknown[] {
  const changed = list.map(change);
  return changed.every((item, index) => item === list[index]) ? list : changed;
}

/** The name by which an object has a field, of those that are there; its own where it has none. */
function writtenName(object: JsonObject, own: string, { fields }: Names): string {
  const there = (fields.get(own) ?? [own]).filter((name) => Object.hasOwn(object, name));
  return there.find((name) => object[name] !== null && object[name] !== undefined) ?? there[0] ?? own;
}

function written(value: unknown, [first, ...rest]: FieldPath, names: Names | undefined): FieldPath {
  if (first === undefined) return [];
  if (names === undefined || typeof value !== "object" || value === null) return [first, ...rest];
  if (Array.isArray(value)) return [first, ...written(value[Number(first)], rest, names.each)];
  const own = String(first);
  const name = writtenName(value as JsonObject, own, names);
  return [name === own ? first : name, ...written((value as JsonObject)[name], rest, names.below.get(own) ?? names.each)];
}
