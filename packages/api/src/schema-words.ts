import { z } from "zod";
import { nearestName } from "./nearest-name.ts";

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

/** What of a value an error shows, in characters. */
const LONGEST = 60;

/**
 * What a field is to be, in our words, where its schema has none of its own. Zod's are for whoever
 * writes a schema. Of fields that there are none of, a line for each.
 */
export const expectation: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${KINDS[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `expected ${issue.values
        .map((value) => JSON.stringify(value))
        .join(", ")
        .replace(/, (?=[^,]*$)/, " or ")}`;
    case "too_small":
      return `expected ${amount(issue.origin, "minimum", Number(issue.minimum), issue.inclusive !== false)}`;
    case "too_big":
      return `expected ${amount(issue.origin, "maximum", Number(issue.maximum), issue.inclusive !== false)}`;
    case "unrecognized_keys":
      return issue.keys.map((key) => noSuchField(key, fieldsOf(issue.inst))).join("\n");
    case "invalid_union":
      return "expected another form: it has none of those that the field may have";
    default:
      return "not valid";
  }
};

function noSuchField(name: string, fields: readonly string[]): string {
  const nearest = nearestName(name, fields);
  return `there is no such field${nearest === undefined ? "" : `; is '${nearest}' meant?`}`;
}

function fieldsOf(schema: unknown): readonly string[] {
  return schema instanceof z.core.$ZodObject ? Object.keys(schema._zod.def.shape) : [];
}

function amount(origin: string, bound: "minimum" | "maximum", limit: number, isIncluded: boolean): string {
  if (bound === "minimum" && limit === 1 && origin === "string") return "a text that is not empty";
  const words = { minimum: isIncluded ? "at least" : "more than", maximum: isIncluded ? "at most" : "less than" };
  const unit = UNITS[origin]?.[limit === 1 ? 0 : 1];
  return `${words[bound]} ${limit}${unit === undefined ? "" : ` ${unit}`}`;
}

/** What is counted of a text and a list: of one, and of more. */
const UNITS: Readonly<Record<string, readonly [string, string]>> = {
  string: ["character", "characters"],
  array: ["entry", "entries"],
};

/** What stands in a field, short. */
export function describeFound(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object" && value !== null) return "a map";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}… (${text.length} characters)` : text;
}
