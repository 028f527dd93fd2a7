import { z } from "zod";

/** A structural schema: what an API server accepts as the schema of a custom resource. */
export interface StructuralSchema {
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly nullable?: true;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema;
  readonly items?: StructuralSchema;
  readonly "x-kubernetes-int-or-string"?: true;
  readonly "x-kubernetes-preserve-unknown-fields"?: true;
  readonly "x-kubernetes-list-type"?: "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-validations"?: readonly ValidationRule[];
}

/** A rule in CEL, which the API server evaluates at each write (Kubernetes 1.25 and later). */
export interface ValidationRule {
  /** True for what is valid; `self` is the value. */
  readonly rule: string;
  /** What `kubectl apply` says where it is false. */
  readonly message: string;
}

/** Beside which field of a zod schema rules stand, as `.meta(validations(…))`. */
export function validations(...rules: readonly ValidationRule[]): Record<typeof VALIDATIONS, readonly ValidationRule[]> {
  return { [VALIDATIONS]: rules };
}

const VALIDATIONS = "x-kubernetes-validations";

type JsonSchema = z.core.JSONSchema.JSONSchema;

/**
 * The structural schema of a zod schema, as one would write it by hand in a manifest.
 *
 * Kubernetes takes less than JSON Schema says, so some of it is left to the controller, which
 * checks every object with the zod schema itself: the keys of a map have no schema, and a union has
 * one only for what its texts and lists hold. Defaults are left out on purpose: the API server
 * would write them into the stored object, where nobody could tell any more what its author had
 * said, and a later default would not apply. Unknown fields are not refused but pruned; `kubectl`
 * refuses them before that (`--validate=strict`, its default).
 *
 * @see
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  return convert(z.toJSONSchema(schema, { io: "input", reused: "inline" }));
}

function convert(json: JsonSchema): StructuralSchema {
  const { alternatives, nullable } = unionOf(json);
  const [only, ...others] = alternatives;
  const rules = (json[VALIDATIONS] ?? only?.[VALIDATIONS]) as readonly ValidationRule[] | undefined;
  const described = { ...(json.description !== undefined && { description: json.description }), ...(rules && { [VALIDATIONS]: rules }) };
  if (only === undefined || others.length > 0) return { ...described, ...unionSchema(alternatives), ...(nullable && { nullable }) };
  return { ...described, ...convertOne(only), ...(nullable && { nullable }) };
}

/**
 * The alternatives of a schema, unions inside unions opened, and null taken out: Kubernetes says
 * `nullable` for it.
 */
function unionOf(json: JsonSchema): { readonly alternatives: readonly JsonSchema[]; readonly nullable: boolean } {
  if (json.anyOf === undefined) return { alternatives: json.type === "null" ? [] : [json], nullable: json.type === "null" };
  const parts = json.anyOf.map((part) => unionOf(asSchema(part)));
  return { alternatives: parts.flatMap(({ alternatives }) => alternatives), nullable: parts.some(({ nullable }) => nullable) };
}

/**
 * A node without a type: its pattern counts for a text and its items for a list, and neither for
 * anything else. The integer of "integer or string" has a word of its own.
 */
function unionSchema(alternatives: readonly JsonSchema[]): StructuralSchema {
  const types = alternatives.map(({ type }) => type).sort();
  const ofType = (wanted: string) => alternatives.filter(({ type }) => type === wanted);
  const [text, list] = [ofType("string"), ofType("array")].map((all) => (all.length === 1 ? all[0] : undefined));
  if (types.join() === "integer,string") return { "x-kubernetes-int-or-string": true, ...(text?.pattern && { pattern: text.pattern }) };
  const pattern = text?.pattern ?? (text?.enum && `^(${text.enum.join("|")})$`);
  return { "x-kubernetes-preserve-unknown-fields": true, ...(pattern && { pattern }), ...(list && children(list)) };
}

function convertOne(json: JsonSchema): StructuralSchema {
  if (typeof json.type !== "string") throw new TypeError(`no structural schema for ${JSON.stringify(json)}`);
  return { type: json.type, ...constraints(json), ...children(json) };
}

function constraints(json: JsonSchema): StructuralSchema {
  // The pattern that zod adds to a date says no more than the format, in four hundred characters.
  const pattern = json.format === undefined ? json.pattern : undefined;
  return {
    ...(json.format !== undefined && { format: json.format }),
    ...(json.enum !== undefined && { enum: json.enum.map(String) }),
    ...(pattern !== undefined && { pattern }),
    ...(isLimit(json.minimum) && { minimum: json.minimum }),
    ...(isLimit(json.maximum) && { maximum: json.maximum }),
    ...(json.maxLength !== undefined && { maxLength: json.maxLength }),
  };
}

/** zod gives every integer the limits of a JavaScript number; they are not what the field means. */
function isLimit(bound: number | undefined): bound is number {
  return bound !== undefined && Math.abs(bound) !== Number.MAX_SAFE_INTEGER;
}

function children(json: JsonSchema): StructuralSchema {
  const properties = Object.entries(json.properties ?? {}).map(([name, child]) => [name, convert(asSchema(child))] as const);
  const { additionalProperties, items } = json;
  return {
    ...(json.required !== undefined && { required: json.required }),
    ...(properties.length > 0 && { properties: Object.fromEntries(properties) }),
    // `false` closes an object; pruning does that here. Kubernetes allows a map or fixed fields,
    // never both.
    ...(typeof additionalProperties === "object" && properties.length === 0 && { additionalProperties: convert(additionalProperties) }),
    ...(items !== undefined && { items: convert(asSchema(Array.isArray(items) ? items[0] : items)) }),
  };
}

function asSchema(json: JsonSchema | boolean | undefined): JsonSchema {
  return typeof json === "object" ? json : {};
}
