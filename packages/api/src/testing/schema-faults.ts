import type { FieldPath } from "../field-path.ts";
import type { StructuralSchema } from "../kinds/structural-schema.ts";

/** Something that an API server would refuse or prune, and where. */
export interface SchemaFault {
  readonly field: FieldPath;
  readonly what: string;
}

/**
 * What an API server would refuse or prune in a value, by the rules that our schemas use but CEL.
 */
export function schemaFaults(schema: StructuralSchema, value: unknown, field: FieldPath = []): readonly SchemaFault[] {
  const { type } = schema;
  if (value === null) return schema.nullable === true ? [] : [{ field, what: "is null" }];
  if (schema["x-kubernetes-int-or-string"] === true && typeof value !== "string" && !Number.isInteger(value))
    return [{ field, what: "is neither an integer nor text" }];
  const isOfType = type === undefined || typeOf(value) === type || (type === "number" && typeof value === "number");
  if (!isOfType) return [{ field, what: `is not ${type}` }];
  if (Array.isArray(value)) return listFaults(schema, value, field);
  if (typeof value === "object") return objectFaults(schema, value, field);
  return scalarFaults(schema, value, field);
}

function listFaults(schema: StructuralSchema, list: readonly unknown[], field: FieldPath): readonly SchemaFault[] {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY, items } = schema;
  const keys = schema["x-kubernetes-list-map-keys"];
  const keyOf = (item: unknown) => JSON.stringify(keys?.map((key) => (item as Readonly<Record<string, unknown>>)[key]) ?? item);
  const seen = new Set<string>();
  const repeated = list.flatMap((item, index) => (seen.size === seen.add(keyOf(item)).size ? [index] : []));
  return [
    ...(list.length < minItems || list.length > maxItems ? [{ field, what: `has ${list.length} elements` }] : []),
    ...(items === undefined ? [] : list.flatMap((item, index) => schemaFaults(items, item, [...field, index]))),
    ...(schema["x-kubernetes-list-type"] === undefined ? [] : repeated).map((index) => ({
      field: [...field, index],
      what: "is there twice",
    })),
  ];
}

function objectFaults(schema: StructuralSchema, value: object, field: FieldPath): readonly SchemaFault[] {
  const { required = [], allOf = [], properties, additionalProperties } = schema;
  const missing = [
    ...required.filter((name) => !(name in value)),
    ...allOf.flatMap(({ anyOf }) => (anyOf.some(({ required: [name = ""] }) => name in value) ? [] : (anyOf[0]?.required ?? []))),
  ];
  // Kubernetes checks apiVersion, kind and metadata by itself.
  const isOpen = schema["x-kubernetes-preserve-unknown-fields"] === true || (field.length === 1 && field[0] === "metadata");
  const inside = Object.entries(value).flatMap(([name, child]) => {
    const childSchema = (properties && Object.hasOwn(properties, name) ? properties[name] : undefined) ?? additionalProperties;
    if (childSchema === undefined) return isOpen ? [] : [{ field: [...field, name], what: "is unknown" }];
    return schemaFaults(childSchema, child, [...field, name]);
  });
  return [...missing.map((name) => ({ field: [...field, name], what: "is missing" })), ...inside];
}

function scalarFaults(schema: StructuralSchema, value: unknown, field: FieldPath): readonly SchemaFault[] {
  const isWord = schema.enum === undefined || schema.enum.some((word) => word === value);
  const fits = typeof value === "string" ? isText(schema, value) : typeof value !== "number" || isNumber(schema, value);
  return isWord && fits ? [] : [{ field, what: `is ${String(value)}` }];
}

function isText({ pattern, minLength = 0, maxLength = Number.POSITIVE_INFINITY }: StructuralSchema, text: string): boolean {
  // Go counts whole characters.
  const { length } = [...text];
  return length >= minLength && length <= maxLength && (pattern === undefined || new RegExp(pattern).test(text));
}

function isNumber(schema: StructuralSchema, value: number): boolean {
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  return (
    (exclusiveMinimum ? value > minimum : value >= minimum) &&
    (exclusiveMaximum ? value < maximum : value <= maximum) &&
    (multipleOf === undefined || value % multipleOf === 0)
  );
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}
