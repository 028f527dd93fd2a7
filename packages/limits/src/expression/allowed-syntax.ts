import type { ASTNode } from "@marcbachmann/cel-js";
import { FUNCTION_NAMES } from "./environment.ts";
import { VALUES } from "./material.ts";

/** The values that an expression reads. */
export interface NamesRead {
  /** Without these it cannot be evaluated. */
  readonly needed: ReadonlySet<string>;
  /** These have a `default`. */
  readonly optional: ReadonlySet<string>;
}

/** Why a parsed expression is not accepted. */
export interface SyntaxFault {
  readonly what: string;
}

/** Operators on numbers and booleans. Their cost grows only with the length of the expression. */
const PLAIN = new Set(["+", "-", "*", "/", "%", "<", "<=", ">", ">=", "==", "!=", "&&", "||", "?:", "!_", "-_"]);

/**
 * The values that an expression reads, if it consists only of numbers, names, operators and our
 * functions.
 *
 * CEL's macros loop over lists, and loops can be nested: a short text may cost minutes. No limiter
 * needs macros, or strings.
 */
export function namesRead(root: ASTNode): NamesRead | SyntaxFault {
  const needed = new Set<string>();
  const optional = new Set<string>();
  const fault = visit(root, needed);
  return fault ?? { needed, optional: new Set([...optional].filter((name) => !needed.has(name))) };

  function visit(node: ASTNode, into: Set<string>): SyntaxFault | undefined {
    const name = nameOf(node);
    if (name !== undefined) {
      into.add(name);
      return undefined;
    }
    if (node.op === "value") return isPlainValue(node.args) ? undefined : { what: "text, which no quota needs" };
    if (node.op === "call") return visitCall(node.args, into);
    if (!PLAIN.has(node.op)) return { what: `'${symbolOf(node)}'` };
    return first([node.args].flat().filter(isNode), (part) => visit(part, into));
  }

  function visitCall([name, parts]: readonly [string, readonly ASTNode[]], into: Set<string>): SyntaxFault | undefined {
    if (!FUNCTION_NAMES.has(name)) return { what: `the function ${name}` };
    return first(parts, (part, index) => visit(part, name === "default" && index === 0 ? optional : into));
  }
}

/** `_base.cpu.sum`, `_base["cpu"].sum` and `values["v1-canary.pod"]` name a value. */
function nameOf(node: ASTNode): string | undefined {
  const path = pathOf(node);
  if (path === undefined) return undefined;
  return path[0] === VALUES ? path.slice(1).join(".") : path.join(".");
}

function pathOf(node: ASTNode): readonly string[] | undefined {
  if (node.op === "id") return [node.args];
  if (node.op === ".") return joined(node.args[0], node.args[1]);
  if (node.op !== "[]") return undefined;
  const [of, key] = node.args;
  return key.op === "value" && typeof key.args === "string" ? joined(of, key.args) : undefined;
}

function joined(of: ASTNode, part: string): readonly string[] | undefined {
  const path = pathOf(of);
  return path && [...path, part];
}

function isPlainValue(value: unknown): boolean {
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";
}

function symbolOf({ op, args }: ASTNode): string {
  return op === "rcall" ? `.${String((args as readonly unknown[])[0])}()` : op;
}

function isNode(part: unknown): part is ASTNode {
  return typeof part === "object" && part !== null && "op" in part;
}

function first<T>(parts: readonly T[], of: (part: T, index: number) => SyntaxFault | undefined): SyntaxFault | undefined {
  for (const [index, part] of parts.entries()) {
    const fault = of(part, index);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
