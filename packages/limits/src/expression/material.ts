import { InvalidResource } from "@fenceline/api";

/** Current values by dotted name: `_base.pod`, `v1.cpu.max`, `qps`. */
export type Material = ReadonlyMap<string, number>;

/** The variable that has every value by its whole name. */
export const VALUES = "values";

/** The fields of one variable of an expression: `_base` has `pod` and `cpu.sum`. */
export interface ValueTree {
  readonly [name: string]: ValueTree | "double";
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Words of CEL, and properties of JavaScript objects, which cannot be names. */
const RESERVED = new Set(
  "__proto__ prototype constructor as break const continue else false for function if import in let loop namespace null package return true values var void while".split(
    " ",
  ),
);

/**
 * The names as variables, field by field.
 *
 * A name that CEL cannot write, such as `v1-canary.pod`, is left out: it is read as
 * `values["v1-canary.pod"]`.
 *
 * @throws InvalidResource `METRIC_NAME_CLASH` where one name is the beginning of another: `cpu`
 * cannot be a number and have a field `sum`
 */
export function valueTree(names: Iterable<string>): ValueTree {
  const root: Record<string, ValueTree | "double"> = Object.create(null) as Record<string, never>;
  for (const name of [...new Set(names)].sort()) {
    const path = name.split(".");
    if (!isWritable(path)) continue;
    const [last = "", ...above] = path.toReversed();
    let node = root;
    for (const part of above.toReversed()) {
      const next = node[part] ?? (Object.create(null) as Record<string, never>);
      if (next === "double") throw clash(name, path);
      node[part] = next;
      node = next;
    }
    if (node[last] !== undefined) throw clash(name, path);
    node[last] = "double";
  }
  return root;
}

/** Whether CEL can write a name as it stands. */
export function isWritable(path: readonly string[]): boolean {
  return path.every((part) => IDENTIFIER.test(part) && !RESERVED.has(part)) && path[0] !== VALUES;
}

function clash(name: string, path: readonly string[]): InvalidResource {
  return new InvalidResource("METRIC_NAME_CLASH", {
    message: `${name} and another metric cannot both exist: one of them would be a field of the other`,
    hint: `rename ${name}, or what is called ${path.slice(0, -1).join(".")}`,
  });
}
