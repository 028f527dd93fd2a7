import { z } from "zod";

/** Most characters of an expression. Envoy compiles it for each listener that it stands in. */
const LONGEST = 1_024;

/** Most repetitions that RE2 takes of one part, those of the parts around it multiplied. */
const MOST_REPEATS = 1_000;

/**
 * Escapes of letters and digits that RE2 has; another one is an error there, and the letter itself
 * in JavaScript.
 */
const ESCAPES = /^[aAbBCdDfnpPQErsStvwWxz0]$/;

/**
 * A part that the two dialects read differently: a number in octal, a quotation, an escape, a
 * class, what follows `(?`, a repetition.
 */
const PARTS =
  /(\\[1-7][0-7]{1,2}|\\Q.*?(?:\\E|$))|\\(x\{[0-9A-Fa-f]+\}|[\s\S])|(\[\^?\]?(?:\\[\s\S]|\[:\^?[a-z]+:\]|[^\]\\])*\])|\(\?(<?[=!]|P?<|[imsU]*(?:-[imsU]+)?[:)])|\{(\d+)(?:,(\d*))?\}/g;

/** {@link PARTS}, and every other character by itself. */
const TOKENS = new RegExp(`${PARTS.source}|[\\s\\S]`, "g");

/**
 * What is wrong with an expression for RE2, which is what Envoy matches with. An Envoy that cannot
 * compile it refuses the whole listener.
 *
 * @returns undefined where nothing is. Of a rare fault (the name of a Unicode class, a program
 * beyond the 32,768 steps that Istio allows) Envoy alone knows.
 */
export function re2Fault(text: string): string | undefined {
  for (const match of text.matchAll(PARTS)) {
    const fault = faultOf(match);
    if (fault !== undefined) return fault;
  }
  if (deepestRepeats(text) > MOST_REPEATS) return `repetitions in each other come to at most ${MOST_REPEATS}`;
  try {
    new RegExp(text.replace(PARTS, inJavaScript));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^.*\/: /s, "").toLowerCase() : "not valid";
  }
}

/** What RE2 refuses, and JavaScript does not. */
function faultOf([part, , escaped = "", , group = "", least = "0", most = "0"]: RegExpExecArray): string | undefined {
  if (/^[A-Za-z0-9]/.test(escaped) && !ESCAPES.test(escaped.charAt(0))) return `there is no ${part}`;
  // Envoy's texts are bytes.
  if (escaped.startsWith("x{") && Number.parseInt(escaped.slice(2), 16) > 0xff) return `there is no ${part}`;
  if (/^<?[=!]$/.test(group)) return `it cannot look ahead or behind, as with ${part}`;
  return Math.max(Number(least), Number(most)) > MOST_REPEATS ? `it repeats at most ${MOST_REPEATS} times, and not ${part}` : undefined;
}

/**
 * Most often that a part is repeated with the groups around it: of `((a{3}){2}b{4})`, 6. RE2 writes
 * every repetition out, as `*` and `+` are not.
 */
function deepestRepeats(text: string): number {
  const most = [1];
  let last = 1;
  for (const [part, , , , group, least, upTo] of text.matchAll(TOKENS)) {
    if (least !== undefined) last *= Math.max(1, Number(upTo || least));
    else if (part === ")") last = most.pop() ?? 1;
    else if (!/^[*+?]$/.test(part)) last = 1;
    if (part === "(" || (group !== undefined && !group.endsWith(")"))) most.push(1);
    most.push(Math.max(most.pop() ?? 1, last));
  }
  return Math.max(...most);
}

/** What JavaScript refuses, and RE2 does not, in words of JavaScript that fit in the same place. */
function inJavaScript(part: string, literal?: string, _escaped?: string, group?: string, named?: string): string {
  if (literal !== undefined) return "x";
  if (group !== undefined) return part.replace(/\[:\^?([a-z]+):\]/g, "$1");
  if (named === undefined) return part;
  if (named.endsWith("<")) return "(?<";
  return named.endsWith(")") ? "(?:)" : "(?:";
}

/** An expression of RE2 on a whole text. */
export const Re2 = z
  .string()
  .min(1)
  .max(LONGEST, { abort: true })
  .superRefine((text, { addIssue }) => {
    const fault = re2Fault(text);
    if (fault !== undefined) addIssue({ code: "custom", message: `not an expression of RE2: ${fault}` });
  });
