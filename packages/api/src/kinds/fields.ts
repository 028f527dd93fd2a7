/** Fields that Kubernetes and protobuf have, and zod has not. */
import { z } from "zod";

/** A JSON object that is not ours to look into, for example the settings of a plugin. */
export const Struct = z.record(z.string(), z.unknown());
export type Struct = z.infer<typeof Struct>;

/** Any JSON value: the API server keeps it as it is. */
export function untyped() {
  return z.unknown().meta({ "x-kubernetes-preserve-unknown-fields": true });
}

/** How long a text may be. */
export interface TextBounds {
  readonly min?: number;
  readonly max: number;
  /** What RE2 and JavaScript read alike. */
  readonly pattern?: RegExp;
}

/**
 * A text of so many characters, counted as the API server does: `.max()` of zod counts the halves
 * of those beyond the basic plane.
 */
export function text({ min = 0, max, pattern }: TextBounds) {
  const isWithin = (value: string) => {
    // A character has at most two halves, so there is no need to count what is far too long.
    const length = value.length > 2 * max ? value.length : [...value].length;
    return length >= min && length <= max;
  };
  const base = pattern === undefined ? z.string() : z.string().regex(pattern);
  return base
    .refine(isWithin, { message: min > 0 ? `expected a text of ${min} to ${max} characters` : `expected at most ${max} characters` })
    .meta({ ...(min > 0 && { minLength: min }), maxLength: max });
}

/**
 * A whole number of up to so many digits, or its text, as protobuf's JSON mapping writes `int64`.
 * Read as a number. By digits, so that the API server can say of a text what it says of a number.
 */
export function integerOrText(digits: number) {
  const error = `expected a whole number of up to ${digits} digits`;
  const asText = z.string().regex(new RegExp(`^[0-9]{1,${digits}}$`), error);
  return z
    .union(
      [
        z
          .int()
          .min(0)
          .max(10 ** digits - 1),
        asText,
      ],
      { error },
    )
    .transform(Number);
}

/**
 * An enum of protobuf: a word, or its number, which is its place in the list. Read as the word.
 *
 * @see https://protobuf.dev/programming-guides/json/
 */
export function wordOrNumber<const Words extends readonly [string, ...string[]]>(words: Words) {
  const word = z.literal(words as readonly string[]);
  const number = z.literal(words.map((_, index) => index));
  return z
    .union([word, number], { error: `expected ${words.join(" or ")}, or its number` })
    .transform((value) => (typeof value === "number" ? words[value] : value) as Words[number]);
}
