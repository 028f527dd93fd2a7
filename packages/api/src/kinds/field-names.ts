import type { z } from "zod";

/** Beside which field of a zod schema other names stand, as `.meta(alsoNamed(…))`. */
export const FIELD_NAMES = "x-fenceline-names";

/**
 * More names of a field: what it was called in an older version, or how another spelling has it. An
 * object may have any of them; where it has several, the field's own name counts, then the first of
 * these. A null says nothing.
 */
export function alsoNamed(...names: readonly string[]): Record<typeof FIELD_NAMES, readonly string[]> {
  return { [FIELD_NAMES]: names };
}

/** Other names of the field that a JSON schema with metadata is of. */
export function namesOf(json: z.core.JSONSchema.JSONSchema): readonly string[] {
  return (json[FIELD_NAMES] ?? []) as readonly string[];
}

/**
 * The fields of an object that may be written in `snake_case` too, as protobuf's JSON mapping takes
 * both. Where both are there, `lowerCamelCase` counts, as it does there.
 *
 * @see https://protobuf.dev/programming-guides/json/
 */
export function eitherSpelling<const Shape extends z.core.$ZodLooseShape>(shape: Shape): Shape {
  const fields = Object.entries(shape as Readonly<Record<string, z.ZodType>>).map(([name, field]) => {
    const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const names = (field.meta()?.[FIELD_NAMES] ?? []) as readonly string[];
    return [name, snake === name ? field : field.meta({ ...field.meta(), ...alsoNamed(snake, ...names) })];
  });
  return Object.fromEntries(fields) as Shape;
}
