import type { ASTNode, Environment } from "@marcbachmann/cel-js";
import { namesRead } from "./allowed-syntax.ts";
import { environmentFor } from "./environment.ts";
import { ExpressionError } from "./expression-error.ts";
import { isWritable, type Material, VALUES } from "./material.ts";
import { translateSlimeForm } from "./slime-form.ts";
import { isSlimeForm } from "./slime-tokens.ts";

/** The result of an expression, or why there is none. */
export type Outcome<T> =
  | { readonly value: T }
  /** Values that it needs and that do not exist. */
  | { readonly missing: readonly string[] }
  /** It has no result for these values, as with a division by zero. */
  | { readonly fault: string };

/** A checked expression: whatever the values are, evaluating it ends with an outcome. */
export interface Expression<T> {
  readonly text: string;
  /** The same expression in CEL. */
  readonly cel: string;
  /** Values that it reads, ordered by name. */
  readonly names: readonly string[];
  evaluate(material: Material): Outcome<T>;
}

/** Most characters of an expression. */
const LONGEST = 1_024;

/** Reads the expressions of a limiter, CEL or Slime's form, over the values that it may name. */
export class Expressions {
  readonly #names: ReadonlySet<string>;
  readonly #environment: Environment;

  /**
   * @param names values that may be read, whether or not they exist now
   * @throws InvalidResource `METRIC_NAME_CLASH`
   */
  constructor(names: Iterable<string>) {
    this.#names = new Set(names);
    this.#environment = environmentFor([...this.#names]);
  }

  /**
   * An expression whose result is a number, such as a quota.
   *
   * @throws ExpressionError
   */
  number(text: string): Expression<number> {
    const cel = this.#celOf(text, "number");
    const { ast, names, needed } = this.#checked(text, cel, ["double", "int"]);
    return this.#expression(text, cel, names, needed, (values) => {
      const value = Number(ast(values));
      return Number.isFinite(value) ? { value } : { fault: "the result is not a finite number" };
    });
  }

  /**
   * An expression whose result is true or false.
   *
   * @throws ExpressionError
   */
  condition(text: string): Expression<boolean> {
    const cel = this.#celOf(text, "condition");
    const { ast, names, needed } = this.#checked(text, cel, ["bool"]);
    return this.#expression(text, cel, names, needed, (values) => ({ value: ast(values) === true }));
  }

  #celOf(text: string, wanted: "number" | "condition"): string {
    if (text.length > LONGEST) throw new ExpressionError("EXPRESSION_NOT_ALLOWED", text, `longer than ${LONGEST} characters`);
    return isSlimeForm(text) ? translateSlimeForm(text, wanted) : text;
  }

  #checked(text: string, cel: string, types: readonly string[]) {
    const ast = this.#parsed(text, cel);
    const read = namesRead(ast.ast);
    if ("what" in read) throw new ExpressionError("EXPRESSION_NOT_ALLOWED", text, `${read.what} cannot be used here`, FORMS);
    const names = [...read.needed, ...read.optional].sort();
    const unknown = names.filter((name) => !this.#names.has(name));
    if (unknown.length > 0)
      throw new ExpressionError("EXPRESSION_UNKNOWN_NAME", text, `nothing provides ${unknown.join(", ")}`, this.#known());
    const { valid, type, error } = ast.check();
    if (!valid) throw new ExpressionError("EXPRESSION_TYPE", text, firstLine(error?.message ?? "types do not fit"));
    if (!types.includes(type ?? "")) throw new ExpressionError("EXPRESSION_TYPE", text, `it gives ${type}, and ${types[0]} is asked for`);
    return { ast, names, needed: [...read.needed].sort() };
  }

  #parsed(text: string, cel: string): ((values: object) => unknown) & { readonly ast: ASTNode; check(): ReturnType<Environment["check"]> } {
    try {
      return this.#environment.parse(cel);
    } catch (error) {
      const message = firstLine(error instanceof Error ? error.message : String(error));
      throw new ExpressionError(message.startsWith("Exceeded") ? "EXPRESSION_NOT_ALLOWED" : "EXPRESSION_SYNTAX", text, message);
    }
  }

  #expression<T>(
    text: string,
    cel: string,
    names: readonly string[],
    needed: readonly string[],
    result: (values: object) => Outcome<T>,
  ): Expression<T> {
    return {
      text,
      cel,
      names,
      evaluate(material) {
        const missing = needed.filter((name) => !Number.isFinite(material.get(name)));
        if (missing.length > 0) return { missing };
        try {
          return result(valuesOf(names, material));
        } catch (error) {
          return { fault: firstLine(error instanceof Error ? error.message : String(error)) };
        }
      },
    };
  }

  #known(): string {
    const names = [...this.#names].sort();
    return names.length === 0 ? "no values are configured" : `there are ${names.slice(0, 20).join(", ")}${names.length > 20 ? ", …" : ""}`;
  }
}

const FORMS = "numbers, names, operators and min, max, clamp, ceil, floor, round, default";

/** The variables of an evaluation: each value by its parts and by its name. NaN is missing. */
function valuesOf(names: readonly string[], material: Material): object {
  const variables: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  const whole = new Map<string, number>();
  for (const name of names) {
    const given = material.get(name) ?? Number.NaN;
    const value = Number.isFinite(given) ? given : Number.NaN;
    whole.set(name, value);
    const path = name.split(".");
    if (isWritable(path)) put(variables, path, value);
  }
  variables[VALUES] = whole;
  return variables;
}

function put(into: Record<string, unknown>, path: readonly string[], value: number): void {
  const [first = "", ...rest] = path;
  if (rest.length === 0) {
    into[first] = value;
    return;
  }
  const next = (into[first] ?? Object.create(null)) as Record<string, unknown>;
  into[first] = next;
  put(next, rest, value);
}

function firstLine(message: string): string {
  return message.split("\n", 1)[0] ?? "";
}
