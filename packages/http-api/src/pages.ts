import { ApiRefusal, quoted } from "./refusal.ts";
import { parseQuery } from "./target.ts";

/** The requested part of a list. */
export interface PageRequest {
  /** Most items of the page. */
  readonly limit: number;
  /** Only items of this namespace; undefined: of all. */
  readonly namespace: string | undefined;
  /** Key of the last item of the page before. */
  readonly after: readonly string[] | undefined;
  /** The chosen value of each of the list's own parameters. */
  readonly chosen: Readonly<Record<string, string>>;
}

/** Parameters of one list, each with its possible values. The first value is the default. */
export type Choices = Readonly<Record<string, readonly [string, ...string[]]>>;

/** The sizes of a list's pages. */
export interface PageSizes {
  readonly default: number;
  readonly max: number;
}

const NAMESPACE = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const COUNT = /^[1-9][0-9]{0,8}$/;
const TOKEN = /^[A-Za-z0-9_-]{1,2048}$/;

/**
 * Reads `limit`, `continue` and `namespace`, and the list's own parameters.
 *
 * @param list name of the list: a token is valid only for its list
 * @param choices the list's own parameters. Default: none
 * @throws {ApiRefusal} `PARAMETER_UNKNOWN`, `PARAMETER_REPEATED`, `PARAMETER_INVALID`
 */
export function parsePage(query: string, list: string, sizes: PageSizes, choices: Choices = {}): PageRequest {
  const given = parseQuery(query, ["limit", "continue", "namespace", ...Object.keys(choices)]);
  const { limit, continue: token, namespace } = given;
  if (limit !== undefined && (!COUNT.test(limit) || Number(limit) > sizes.max)) {
    throw invalid("limit", limit, `a whole number from 1 to ${sizes.max}`);
  }
  if (namespace !== undefined && !NAMESPACE.test(namespace)) throw invalid("namespace", namespace, "the name of a namespace");
  const after = token === undefined ? undefined : afterOf(token, list, namespace);
  return { limit: limit === undefined ? sizes.default : Number(limit), namespace, after, chosen: chosenOf(given, choices) };
}

function chosenOf(given: Readonly<Partial<Record<string, string>>>, choices: Choices): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(choices).map(([name, values]) => {
      const value = given[name] ?? values[0];
      if (!values.includes(value)) throw invalid(name, value, `one of ${values.join(", ")}`);
      return [name, value];
    }),
  );
}

/**
 * The token of the page after an item.
 *
 * It names the item, not a position in a snapshot. So each item that stays is on exactly one page,
 * whatever comes and goes meanwhile, and a token never expires.
 */
export function continueToken(list: string, { namespace }: PageRequest, after: readonly string[]): string {
  return Buffer.from(JSON.stringify([list, namespace ?? null, ...after])).toString("base64url");
}

function afterOf(token: string, list: string, namespace: string | undefined): string[] {
  const fields = TOKEN.test(token) ? parseJson(Buffer.from(token, "base64url").toString()) : undefined;
  if (!Array.isArray(fields)) throw invalid("continue", token, "what an earlier page gave as `continue`");
  const [ofList, ofNamespace, ...after] = fields;
  if (ofList !== list || ofNamespace !== (namespace ?? null) || after.length < 2 || !after.every((each) => typeof each === "string")) {
    throw invalid("continue", token, "what an earlier page of the same list gave as `continue`, with the same namespace");
  }
  return after;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function invalid(name: string, value: string, expected: string): ApiRefusal {
  return new ApiRefusal(400, "PARAMETER_INVALID", `${name}=${quoted(value)} is not valid: it must be ${expected}`);
}

/** -1, 0 or 1, key by key. */
export function compareKeys(a: readonly string[], b: readonly string[]): number {
  for (const [index, text] of a.entries()) {
    const other = b[index];
    if (other === undefined || text > other) return 1;
    if (text < other) return -1;
  }
  return a.length < b.length ? -1 : 0;
}
