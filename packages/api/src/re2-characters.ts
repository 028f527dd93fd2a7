/**
 * Characters and classes of characters in an expression of RE2, as Envoy has it compiled: a text of
 * bytes, one character each.
 *
 * @see https://github.com/google/re2/wiki/Syntax
 */

/** A fault of an expression, in the words of whoever is to mend it. */
export class Re2Fault extends Error {}

/** Largest code of a character. */
const LARGEST = 0xff;

/** Escapes of one character, in a class and outside: a control, one of its code, a sign itself. */
const CHARACTER = /\\(?:([afnrtv])|(0[0-7]{0,2}|[1-7][0-7]{1,2})|x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})|([^A-Za-z0-9\x80-\xff]))/y;
/** Escapes of several characters, in a class and outside. */
const CHARACTERS = /\\(?:[DdSsWw]|[Pp](?:\{\^?([^}]*)\}|(.)))/sy;
/** Escapes that stand for a place or a byte, and not within a class. */
const OUTSIDE = /\\[ABCbz]/y;
const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

const POSIX = /^\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]$/;
/** General categories of Unicode that RE2 has. */
const CATEGORY = /^(?:Any|C[cfos]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?)$/;
/** Long name of a script; of the few that have four letters or less, those that are their own. */
const SCRIPT = /^(?:Cham|Kawi|Lao|Lisu|Miao|Newa|Nko|Thai|Toto|Vai|Yi|(?=.{5})[A-Z][a-z]+(?:_[A-Z][a-z]+)*)$/;

/**
 * Where the escape at `at` ends.
 *
 * @throws {Re2Fault} where RE2 has no such escape
 */
export function endOfEscape(text: string, at: number): number {
  return endOf(OUTSIDE, text, at) ?? endOfCharacters(text, at) ?? readCharacter(text, at).end;
}

/**
 * Where the class that `[` opens at `at` ends, behind its `]`.
 *
 * @throws {Re2Fault} where RE2 cannot read it
 */
export function endOfClass(text: string, at: number): number {
  const first = text[at + 1] === "^" ? at + 2 : at + 1;
  let next = first;
  while (next < text.length && (next === first || text[next] !== "]")) next = endOfElement(text, next);
  if (next >= text.length) throw new Re2Fault(`there is no ] to ${text.slice(at)}`);
  return next + 1;
}

/** An element of a class: a named class, an escape of several characters, a character, a range. */
function endOfElement(text: string, at: number): number {
  const closing = text.startsWith("[:", at) ? text.indexOf(":]", at + 2) : -1;
  if (closing !== -1) {
    const name = text.slice(at, closing + 2);
    if (!POSIX.test(name)) throw new Re2Fault(`there is no class ${name}`);
    return closing + 2;
  }
  const several = endOfCharacters(text, at);
  if (several !== undefined) return several;
  const low = readCharacter(text, at);
  const isRange = text[low.end] === "-" && low.end + 1 < text.length && text[low.end + 1] !== "]";
  if (!isRange) return low.end;
  const high = readCharacter(text, low.end + 1);
  if (high.code < low.code) throw new Re2Fault(`the range is out of order: ${text.slice(at, high.end)}`);
  return high.end;
}

/** Where an escape of several characters ends; undefined where there is none. */
function endOfCharacters(text: string, at: number): number | undefined {
  const end = endOf(CHARACTERS, text, at);
  if (end === undefined || !/[Pp]/.test(text.charAt(at + 1))) return end;
  const name = text.slice(at + 2, end).replace(/^\{\^?(.*)\}$/s, "$1");
  if (!CATEGORY.test(name) && !isScript(name)) throw new Re2Fault(`there is no ${text.slice(at, end)}`);
  return end;
}

function isScript(name: string): boolean {
  if (!SCRIPT.test(name)) return false;
  try {
    new RegExp(`\\p{Script=${name}}`, "u");
    return true;
  } catch {
    return false;
  }
}

/** The character at `at`, plain or escaped. */
function readCharacter(text: string, at: number): { readonly code: number; readonly end: number } {
  if (text[at] !== "\\") return { code: text.charCodeAt(at), end: at + 1 };
  if (at + 1 === text.length) throw new Re2Fault("a \\ at the end escapes nothing");
  const [escaped, control, octal, hex, braced, sign] = matchAt(CHARACTER, text, at) ?? [];
  if (escaped === undefined) throw new Re2Fault(`there is no ${text.slice(at, at + 2)}`);
  const code = codeOf({ control, octal, hex: hex ?? braced, sign });
  if (code > LARGEST) throw new Re2Fault(`there is no ${escaped}`);
  return { code, end: at + escaped.length };
}

type Escaped = Readonly<Record<"control" | "octal" | "hex" | "sign", string | undefined>>;

function codeOf({ control, octal, hex, sign = "" }: Escaped): number {
  if (control !== undefined) return CONTROLS[control] ?? 0;
  if (octal !== undefined) return Number.parseInt(octal, 8);
  return hex !== undefined ? Number.parseInt(hex, 16) : sign.charCodeAt(0);
}

/** What an expression, a sticky one, matches at `at`. */
export function matchAt(expression: RegExp, text: string, at: number): RegExpExecArray | undefined {
  expression.lastIndex = at;
  return expression.exec(text) ?? undefined;
}

/** Where an expression that matches at `at` ends. */
export function endOf(expression: RegExp, text: string, at: number): number | undefined {
  const match = matchAt(expression, text, at);
  return match && at + match[0].length;
}
