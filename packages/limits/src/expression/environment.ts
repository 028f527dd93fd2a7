import { Environment } from "@marcbachmann/cel-js";
import { VALUES, type ValueTree, valueTree } from "./material.ts";
import { DIVIDE_UP } from "./slime-form.ts";

/** Most nodes and levels of an expression, and most characters. */
const LIMITS = { maxAstNodes: 256, maxDepth: 64, maxListElements: 0, maxMapEntries: 0, maxCallArguments: 4 };

const NUMBERS = ["int", "double"] as const;

/** A number of CEL. An integer is a bigint. */
type CelNumber = number | bigint;

/** The functions, with the numbers of arguments that they accept. */
const FUNCTIONS: readonly (readonly [name: string, takes: readonly number[], of: (...numbers: number[]) => number])[] = [
  ["min", [2, 3, 4], Math.min],
  ["max", [2, 3, 4], Math.max],
  ["clamp", [3], (value, least, most) => Math.min(Math.max(value ?? Number.NaN, least ?? Number.NaN), most ?? Number.NaN)],
  ["ceil", [1], Math.ceil],
  ["floor", [1], Math.floor],
  ["round", [1], Math.round],
  ["default", [2], (value = Number.NaN, instead = Number.NaN) => (Number.isNaN(value) ? instead : value)],
  [DIVIDE_UP, [2], (a = 0, b = 0) => (Number.isInteger(a) && Number.isInteger(b) ? Math.ceil(a / b) : a / b)],
  ["remainder", [2], (a = 0, b = 0) => a % b],
];

/** Names of the functions that an expression may call. */
export const FUNCTION_NAMES: ReadonlySet<string> = new Set([...FUNCTIONS.map(([name]) => name), "double", "int"]);

/**
 * The environment of expressions over these values. Every value is a double.
 *
 * CEL has no operator for an integer and a double. Here the integer counts as a double: everybody
 * writes `100 / _base.pod`.
 */
export function environmentFor(names: readonly string[]): Environment {
  const environment = WITHOUT_NAMES.clone();
  for (const [name, tree] of Object.entries(valueTree(names))) {
    if (tree === "double") environment.registerVariable(name, "double");
    else environment.registerVariable({ name, schema: tree as Exclude<ValueTree, "double"> });
  }
  return environment;
}

/** All functions and operators. The environment of a limiter adds only its names. */
function environmentWithoutNames(): Environment {
  const environment = new Environment({ limits: LIMITS }).registerVariable(VALUES, "map<string, double>");
  for (const [operator, of] of Object.entries(ARITHMETIC)) {
    environment.registerOperator(`int ${operator} double: double`, of).registerOperator(`double ${operator} int: double`, of);
  }
  environment.registerOperator("int == double: bool", (a: CelNumber, b: CelNumber) => Number(a) === Number(b));
  for (const [name, takes, of] of FUNCTIONS)
    for (const count of takes)
      for (const types of combinations(count)) {
        environment.registerFunction(`${name}(${types.join(", ")}): double`, (...numbers: CelNumber[]) => of(...numbers.map(Number)));
      }
  return environment;
}

const ARITHMETIC: Readonly<Record<string, (a: CelNumber, b: CelNumber) => number>> = {
  "+": (a, b) => Number(a) + Number(b),
  "-": (a, b) => Number(a) - Number(b),
  "*": (a, b) => Number(a) * Number(b),
  "/": (a, b) => Number(a) / Number(b),
};

const WITHOUT_NAMES = environmentWithoutNames();

/** Every combination of types of so many numbers: `int, int`, `int, double`, … */
function combinations(count: number): readonly string[][] {
  return count === 0 ? [[]] : combinations(count - 1).flatMap((before) => NUMBERS.map((type) => [...before, type]));
}
