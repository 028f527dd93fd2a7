import { ExpressionError } from "./expression-error.ts";
import { VALUES } from "./material.ts";
import { type SlimeToken, slimeTokens } from "./slime-tokens.ts";

/** Divides and rounds up if both sides are whole, as Slime does: 100 over 3 pods gives 34. */
export const DIVIDE_UP = "divideUp";

/** A part of the translation, and whether it is a boolean or a number. */
interface Part {
  readonly cel: string;
  readonly isTruth: boolean;
}

/** Operators from the lowest precedence to the highest. Slime evaluates a row from the right. */
const ROWS: readonly (readonly string[])[] = [
  ["|", "||"],
  ["&", "&&"],
  [">", "<", ">=", "<=", "==", "!="],
  ["+", "-"],
  ["*", "/", "%"],
];

/** Most nested parentheses and signs. No person writes more. */
const DEEPEST = 32;

/**
 * Translates an expression in Slime's form to CEL with the same meaning and the usual precedence:
 * Slime's calculator reads from the right and has no `<` (slime-limiter's L4, L5).
 *
 * Kept from Slime: a division of whole numbers rounds up. A comparison next to a number counts as 1
 * or 0. A number is a condition that holds only if it is 1. `|` and `&` of numbers demand a sum
 * above 0 and of 2. A minus sign subtracts what follows from 0, so `-7/2` is -4.
 *
 * Not kept: Slime cuts off fractions of the values that it reads, and takes missing values for 0.
 *
 * @throws ExpressionError
 */
export function translateSlimeForm(text: string, wanted: "number" | "condition"): string {
  const parser = new SlimeParser(text);
  const whole = parser.whole();
  if (wanted === "number") return asNumber(whole);
  return whole.isTruth ? whole.cel : `${whole.cel} == 1.0`;
}

class SlimeParser {
  readonly #text: string;
  readonly #tokens: readonly SlimeToken[];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = slimeTokens(text);
  }

  whole(): Part {
    const part = this.#row(0);
    if (this.#token.kind !== "end") throw this.#unexpected();
    return part;
  }

  get #token(): SlimeToken {
    return this.#tokens[this.#at] ?? { kind: "end" };
  }

  #row(row: number): Part {
    const operators = ROWS[row];
    if (operators === undefined) return this.#value();
    let left = this.#row(row + 1);
    for (let operator = this.#take(operators); operator !== undefined; operator = this.#take(operators)) {
      left = combine(left, operator, this.#row(row + 1));
    }
    return left;
  }

  #value(): Part {
    const token = this.#token;
    if (token.kind === "end") throw this.#unexpected();
    this.#at += 1;
    if (token.kind === "number") return number(literal(token.text));
    if (token.kind === "name") return number(`${VALUES}[${JSON.stringify(token.name)}]`);
    return this.#nested(token.text);
  }

  #nested(operator: string): Part {
    this.#depth += 1;
    if (this.#depth > DEEPEST) throw new ExpressionError("EXPRESSION_NOT_ALLOWED", this.#text, `more than ${DEEPEST} parts in each other`);
    const part = this.#after(operator);
    this.#depth -= 1;
    return part;
  }

  #after(operator: string): Part {
    if (operator === "(") {
      const part = this.#row(0);
      if (this.#take([")"]) === undefined) throw this.#unexpected();
      return { ...part, cel: `(${part.cel})` };
    }
    if (operator === "-") return number(`(0.0 - ${asNumber(this.#row(TIMES))})`);
    if (operator === "!") return truth(`!(${asTruth(this.#value())})`);
    this.#at -= 1;
    throw this.#unexpected();
  }

  #take(operators: readonly string[]): string | undefined {
    const token = this.#token;
    if (token.kind !== "operator" || !operators.includes(token.text)) return undefined;
    this.#at += 1;
    return token.text;
  }

  #unexpected(): ExpressionError {
    const token = this.#token;
    const what = token.kind === "end" ? "it ends too early" : `'${token.kind === "name" ? token.name : token.text}' is out of place`;
    return new ExpressionError("EXPRESSION_SYNTAX", this.#text, what);
  }
}

/** The row of `*` and `/`. */
const TIMES = ROWS.length - 1;

function combine(left: Part, operator: string, right: Part): Part {
  const [a, b] = [asNumber(left), asNumber(right)];
  const bothTruths = left.isTruth && right.isTruth;
  switch (operator) {
    case "|":
      return truth(bothTruths ? `(${left.cel} || ${right.cel})` : `(${a} + ${b} > 0.0)`);
    case "&":
      return truth(bothTruths ? `(${left.cel} && ${right.cel})` : `(${a} + ${b} == 2.0)`);
    case "||":
    case "&&":
      return truth(`(${asTruth(left)} ${operator} ${asTruth(right)})`);
    case "/":
      return number(`${DIVIDE_UP}(${a}, ${b})`);
    case "%":
      return number(`remainder(${a}, ${b})`);
    case "+":
    case "-":
    case "*":
      return number(`(${a} ${operator} ${b})`);
    default:
      return truth(`(${a} ${operator} ${b})`);
  }
}

function number(cel: string): Part {
  return { cel, isTruth: false };
}

function truth(cel: string): Part {
  return { cel, isTruth: true };
}

function asNumber({ cel, isTruth }: Part): string {
  return isTruth ? `(${cel} ? 1.0 : 0.0)` : cel;
}

function asTruth({ cel, isTruth }: Part): string {
  return isTruth ? cel : `(${cel} != 0.0)`;
}

/** `100`, `1.`, `.5` as a double of CEL. */
function literal(text: string): string {
  const [whole = "", fraction = ""] = text.split(".");
  return `${whole === "" ? "0" : whole}.${fraction === "" ? "0" : fraction}`;
}
