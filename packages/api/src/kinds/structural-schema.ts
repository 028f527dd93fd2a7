import { z } from "zod";
import { re2Fault } from "../re2.ts";
import { FIELD_NAMES, namesOf } from "./field-names.ts";
import { LIST_KEYS, LIST_TYPE } from "./keyed-lists.ts";

/** A structural schema: what an API server accepts as the schema of a custom resource. */
export interface StructuralSchema {
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly nullable?: true;
  readonly enum?: readonly (string | number | boolean)[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: true;
  readonly maximum?: number;
  readonly exclusiveMaximum?: true;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly required?: readonly string[];
  /** Only with `required` in it: one of the names that a field may have. */
  readonly allOf?: readonly { readonly anyOf: readonly { readonly required: readonly string[] }[] }[];
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema;
  readonly items?: StructuralSchema;
  readonly "x-kubernetes-int-or-string"?: true;
  readonly "x-kubernetes-preserve-unknown-fields"?: true;
  readonly "x-kubernetes-list-type"?: "map" | "set";
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
 * refuses them before that (`--validate=strict`, its default). What Kubernetes has no word for is
 * an error, not a gap.
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
 * A node without a type: what is said of a text counts for a text and what is said of a list for a
 * list, and neither for anything else. The integer of "integer or string" has a word of its own.
 */
function unionSchema(alternatives: readonly JsonSchema[]): StructuralSchema {
  const types = alternatives.map(typeOf).sort();
  const only = (wanted: string) => alternatives.filter((each) => typeOf(each) === wanted);
  const [text, list, integer] = ["string", "array", "integer"].map((type) => (only(type).length === 1 ? only(type)[0] : undefined));
  if (types.join() === "integer,string") return { "x-kubernetes-int-or-string": true, ...eitherConstraints(text, integer) };
  const pattern = text?.pattern ?? (wordsOf(text) && `^(${wordsOf(text)?.join("|")})$`);
  return {
    "x-kubernetes-preserve-unknown-fields": true,
    ...(text && lengths(text)),
    ...(pattern && { pattern }),
    ...(list && { ...lengths(list), ...children(list) }),
  };
}

/**
 * Where both are words or numbers of a list, the list holds both; one of them alone would refuse
 * the other.
 */
function eitherConstraints(text: JsonSchema | undefined, integer: JsonSchema | undefined): StructuralSchema {
  const [words, numbers] = [wordsOf(text), wordsOf(integer)];
  return {
    ...(words && numbers && { enum: [...words, ...numbers] }),
    ...(text && constraints(withoutWords(text))),
    ...(integer && constraints(withoutWords(integer))),
  };
}

function withoutWords({ enum: _words, const: _word, ...json }: JsonSchema): JsonSchema {
  return json;
}

function convertOne(json: JsonSchema): StructuralSchema {
  const unknown = Object.keys(json).filter((word) => !KNOWN_WORDS.has(word));
  const isUntyped = json[UNKNOWN_FIELDS] === true && json.type === undefined;
  if (unknown.length > 0 || (!isUntyped && typeof json.type !== "string"))
    throw new TypeError(`no structural schema for ${JSON.stringify(json)}`);
  return isUntyped ? { [UNKNOWN_FIELDS]: true } : { type: typeOf(json), ...constraints(json), ...children(json) };
}

const UNKNOWN_FIELDS = "x-kubernetes-preserve-unknown-fields";

/**
 * What is translated, and what is left to the controller on purpose. Of anything else nobody knows
 * what it means.
 */
const KNOWN_WORDS = new Set<string>([
  ...["description", "type", "format", "enum", "const", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  ...["multipleOf", "minLength", "maxLength", "minItems", "maxItems", "required", "properties", "additionalProperties", "items"],
  ...["$schema", "default", "propertyNames", UNKNOWN_FIELDS, VALIDATIONS, FIELD_NAMES, LIST_TYPE, LIST_KEYS],
]);

/** A number of a list of whole ones is an integer. */
function typeOf(json: JsonSchema): string {
  const isWhole = json.type === "number" && wordsOf(json)?.every(Number.isSafeInteger);
  return isWhole ? "integer" : String(json.type);
}

function wordsOf(json: JsonSchema | undefined): readonly (string | number | boolean)[] | undefined {
  const words = json?.enum ?? (json?.const === undefined ? undefined : [json.const]);
  return words as readonly (string | number | boolean)[] | undefined;
}

function constraints(json: JsonSchema): StructuralSchema {
  // The pattern that zod adds to a date says no more than the format, in four hundred characters.
  // Of other formats Go and JavaScript have different ideas.
  const { format, pattern, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = json;
  if (format !== undefined && format !== "date-time") throw new TypeError(`no format ${format}: say it by a pattern`);
  const words = wordsOf(json);
  const fault = format === undefined && pattern !== undefined ? re2Fault(pattern) : undefined;
  if (fault !== undefined) throw new TypeError(`the API server cannot match ${pattern}: ${fault}`);
  return {
    ...(format !== undefined && { format }),
    ...(words && { enum: words }),
    ...(format === undefined && pattern !== undefined && { pattern }),
    ...(isLimit(minimum) && { minimum }),
    ...(isLimit(maximum) && { maximum }),
    ...(typeof exclusiveMinimum === "number" && { minimum: exclusiveMinimum, exclusiveMinimum: true }),
    ...(typeof exclusiveMaximum === "number" && { maximum: exclusiveMaximum, exclusiveMaximum: true }),
    ...(multipleOf !== undefined && { multipleOf }),
    ...lengths(json),
  };
}

/** Of a text and of a list. */
function lengths({ minLength, maxLength, minItems, maxItems }: JsonSchema): StructuralSchema {
  return {
    ...(minLength !== undefined && { minLength }),
    ...(maxLength !== undefined && { maxLength }),
    ...(minItems !== undefined && { minItems }),
    ...(maxItems !== undefined && { maxItems }),
  };
}

/** zod gives every integer the limits of a JavaScript number; they are not what the field means. */
function isLimit(bound: number | undefined): bound is number {
  return bound !== undefined && Math.abs(bound) !== Number.MAX_SAFE_INTEGER;
}

function children(json: JsonSchema): StructuralSchema {
  const { additionalProperties } = json;
  const items = json.items === undefined ? undefined : asSchema(Array.isArray(json.items) ? json.items[0] : json.items);
  const keys = json[LIST_KEYS] as readonly string[] | undefined;
  if (keys?.some((key) => namesOf(asSchema(items?.properties?.[key])).length > 0))
    throw new TypeError(`elements of a list are told apart by ${keys.join()}, which must have one name`);
  const properties = propertiesOf(json);
  const hasFields = Object.keys(properties).length > 0;
  const values = typeof additionalProperties === "object" ? additionalProperties : undefined;
  const isOpen = values !== undefined && Object.keys(values).length === 0;
  return {
    ...requirements(json),
    ...(isOpen && { [UNKNOWN_FIELDS]: true }),
    ...(hasFields && { properties }),
    // `false` closes an object; pruning does that here. Kubernetes allows a map or fixed fields,
    // never both.
    ...(values !== undefined && !isOpen && !hasFields && { additionalProperties: convert(values) }),
    ...(items !== undefined && { items: convert(items) }),
    ...(json[LIST_TYPE] !== undefined && { [LIST_TYPE]: json[LIST_TYPE] as "map" | "set" }),
    ...(keys !== undefined && { [LIST_KEYS]: keys }),
  };
}

/**
 * Each field under each of its names, or the API server would prune what is written under another.
 */
function propertiesOf(json: JsonSchema): Readonly<Record<string, StructuralSchema>> {
  const fields = Object.entries(json.properties ?? {}).flatMap(([name, child]) => {
    const schema = convert(asSchema(child));
    const others = namesOf(asSchema(child)).map((other) => [other, { ...schema, description: `The same as \`${name}\`.` }] as const);
    return [[name, schema] as const, ...others];
  });
  return Object.fromEntries(fields);
}

function requirements({ required = [], properties = {} }: JsonSchema): StructuralSchema {
  const namesFor = (name: string) => [name, ...namesOf(asSchema(properties[name]))];
  const plain = required.filter((name) => namesFor(name).length === 1);
  const either = required.filter((name) => namesFor(name).length > 1);
  return {
    ...(plain.length > 0 && { required: plain }),
    ...(either.length > 0 && { allOf: either.map((name) => ({ anyOf: namesFor(name).map((one) => ({ required: [one] })) })) }),
  };
}

function asSchema(json: JsonSchema | boolean | undefined): JsonSchema {
  return typeof json === "object" ? json : {};
}
