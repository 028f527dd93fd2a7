import fc from "fast-check";
import type { StructuralSchema } from "../kinds/structural-schema.ts";

/** How values are made. */
export interface ValueOptions {
  /** How often, in a hundred, something stands where it must not, or is missing. Default: never. */
  readonly wrong?: number;
}

/** Values that a schema takes, or, with `wrong`, nearly. */
export function schemaValues(schema: StructuralSchema, options: ValueOptions = {}): fc.Arbitrary<unknown> {
  const { wrong = 0 } = options;
  const right = rightValues(schema, options);
  if (wrong === 0) return right;
  const odd = fc.oneof(
    fc.constantFrom(-1, 1.5, 1e12, "", "é!", true, "Inbound"),
    fc.array(fc.constant("x"), { maxLength: 2 }),
    fc.constant({}),
  );
  return fc.oneof({ weight: 100 - wrong, arbitrary: right }, { weight: wrong, arbitrary: odd });
}

function rightValues(schema: StructuralSchema, options: ValueOptions): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema["x-kubernetes-int-or-string"] === true) return fc.oneof(texts(schema), integers(schema));
  switch (schema.type) {
    case "object":
      return objects(schema, options);
    case "array":
      return lists(schema, options);
    case "string":
      return texts(schema);
    case "integer":
      return integers(schema);
    case "number":
      return numbers(schema);
    case "boolean":
      return fc.boolean();
    default:
      return untypedValues(schema, options);
  }
}

/** A node of any type: what is said of texts and lists counts for these. */
function untypedValues(schema: StructuralSchema, options: ValueOptions): fc.Arbitrary<unknown> {
  const { pattern, items } = schema;
  if (pattern !== undefined || items !== undefined) return fc.oneof(texts(schema), lists(schema, options));
  return fc.jsonValue().filter((value) => value !== null);
}

function objects(schema: StructuralSchema, options: ValueOptions): fc.Arbitrary<unknown> {
  const { properties, additionalProperties, required = [], allOf = [] } = schema;
  if (properties === undefined) {
    const values = additionalProperties === undefined ? fc.jsonValue() : schemaValues(additionalProperties, options);
    return fc.dictionary(fc.string({ maxLength: 5 }), values, { maxKeys: 3 });
  }
  const fields = Object.entries(properties).map(([name, child]) => [name, schemaValues(child, options)] as const);
  const isComplete = (value: object) =>
    allOf.every(({ anyOf }) => anyOf.some(({ required: [name = ""] }) => name in value)) && required.every((name) => name in value);
  const record = fc.record(Object.fromEntries(fields), { requiredKeys: options.wrong ? [] : [...required] });
  return options.wrong ? record : completed(record, schema, options).filter(isComplete);
}

/** One of the names of each field that must be there is added where none is. */
function completed(record: fc.Arbitrary<object>, { allOf = [], properties = {} }: StructuralSchema, options: ValueOptions) {
  const names = allOf.map(({ anyOf }) => fc.constantFrom(...anyOf.flatMap(({ required }) => required)));
  return fc.tuple(record, ...names).chain(([object, ...added]) => {
    const missing = added.filter((name) => !(name in object));
    return fc
      .record(Object.fromEntries(missing.map((name) => [name, schemaValues(properties[name] ?? {}, options)])))
      .map((more) => ({ ...object, ...more }));
  });
}

function lists(schema: StructuralSchema, options: ValueOptions): fc.Arbitrary<unknown> {
  const { items = {}, minItems = 0, maxItems = 5 } = schema;
  const keys = schema["x-kubernetes-list-map-keys"];
  const bounds = { minLength: options.wrong ? 0 : minItems, maxLength: Math.min(maxItems, minItems + 3) };
  const elements = schemaValues(items, options);
  if (schema["x-kubernetes-list-type"] === undefined || options.wrong) return fc.array(elements, bounds);
  const selector = (item: unknown) => JSON.stringify(keys?.map((key) => (item as Readonly<Record<string, unknown>>)[key]) ?? item);
  return fc.uniqueArray(elements, { ...bounds, selector });
}

/** Of every plane of Unicode, as long as they may be. */
function texts({ pattern, minLength = 0, maxLength = 40 }: StructuralSchema): fc.Arbitrary<string> {
  const fits = (text: string) => [...text].length >= minLength && [...text].length <= maxLength;
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern), { maxLength: Math.min(maxLength, 80) }).filter(fits);
  const unit = fc.oneof(fc.string({ unit: "binary", minLength: 1, maxLength: 1 }), fc.constantFrom("a", "😀"));
  const longest = fc.constantFrom("a", "😀").map((letter) => letter.repeat(maxLength));
  return fc.oneof({ weight: 9, arbitrary: fc.string({ unit, minLength, maxLength: Math.min(maxLength, 20) }) }, longest);
}

function integers({ minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER }: StructuralSchema): fc.Arbitrary<number> {
  return fc.integer({ min: minimum, max: maximum });
}

function numbers(schema: StructuralSchema): fc.Arbitrary<number> {
  const { minimum = -1e9, maximum = 1e9, exclusiveMinimum = false, exclusiveMaximum = false } = schema;
  return fc.double({ min: minimum, max: maximum, minExcluded: exclusiveMinimum, maxExcluded: exclusiveMaximum, noNaN: true });
}
