import { z } from "zod";

/** Most characters of an expression. Envoy compiles it for each listener that it stands in. */
const LONGEST = 1_024;

/** Most repetitions that RE2 takes of one part. */
const MOST_REPEATS = 1_000;

/** Escapes of letters and digits that RE2 has; another one is an error there, and the letter itself in JavaScript. */
const ESCAPES = /^[aAbBCdDfnpPQErsStvwWxz0]$/;

/** A part that the two dialects read differently: a number in octal, a quotation, an escape, a class, what follows `(?`, a repetition. */
const PARTS =
  /(\\[1-7][0-7]{1,2}|\\Q.*?(?:\\E|$))|\\([\s\S])|(\[\^?\]?(?:\\[\s\S]|\[:\^?[a-z]+:\]|[^\]\\])*\])|\(\?(<?[=!]|P?<|[imsU]*(?:-[imsU]+)?[:)])|\{(\d+)(?:,(\d*))?\}/g;

/**
 * What is wrong with an expression for RE2, which is what Envoy matches with. An Envoy that cannot compile it refuses the whole listener.
 *
 * @returns undefined where nothing is. Of a rare fault (the name of a Unicode class) Envoy alone knows.
 */
export function re2Fault(text: string): string | undefined {
  for (const match of text.matchAll(PARTS)) {
    const fault = faultOf(match);
    if (fault !== undefined) return fault;
  }
  try {
    new RegExp(text.replace(PARTS, inJavaScript));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^.*\/: /s, "").toLowerCase() : "not valid";
  }
}

/** What RE2 refuses, and JavaScript does not. */
function faultOf([part, , escaped = "", , group = "", least = "0", most = "0"]: RegExpExecArray): string | undefined {
  if (/[A-Za-z0-9]/.test(escaped) && !ESCAPES.test(escaped)) return `there is no ${part}`;
  if (/^<?[=!]$/.test(group)) return `it cannot look ahead or behind, as with ${part}`;
  return Math.max(Number(least), Number(most)) > MOST_REPEATS ? `it repeats at most ${MOST_REPEATS} times, and not ${part}` : undefined;
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
