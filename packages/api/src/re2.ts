import { z } from "zod";
import { endOf, endOfClass, endOfEscape, matchAt, Re2Fault } from "./re2-characters.ts";

/** Most characters of an expression. Envoy compiles it for each listener that it stands in. */
const LONGEST = 1_024;

/** Most repetitions that RE2 takes of one part, those of the parts around it multiplied. */
const MOST_REPEATS = 1_000;

/** Literal text, `\Q…\E`. */
const QUOTED = /\\Q(.*?)(?:\\E|$)/sy;
/** Flags for what follows in the same group. */
const FLAGS = /\(\?[imsU]*(?:-[imsU]+)?\)/y;
/** The beginning of a group: plain, with flags, or named. */
const GROUP = /\((?:\?(?:[imsU]*(?:-[imsU]+)?:|P?<\w+>)|(?!\?))/y;
const REPETITION = /(?:[*+?]|\{(\d+)(?:,(\d*))?\})\??/y;

/** A group that is being read. */
interface Group {
  /** Most often that a part of it is repeated: of `a{3}|b{4}`, 4. */
  most: number;
  /** The same of the part before, which a repetition is of; undefined where there is none. */
  last: number | undefined;
  isRepeated: boolean;
}

/**
 * What is wrong with an expression for RE2, which is what Envoy matches with. An Envoy that cannot
 * compile it refuses the whole listener. It is read as RE2 reads it, byte by byte.
 *
 * @returns undefined where nothing is. Of a rare fault (a script that is newer than Envoy, a
 * program beyond the 32,768 steps that Istio allows) Envoy alone knows.
 */
export function re2Fault(expression: string): string | undefined {
  const text = String.fromCharCode(...new TextEncoder().encode(expression));
  const groups: Group[] = [newGroup()];
  try {
    for (let at = 0; at < text.length; ) at = readPart(text, at, groups);
    return groups.length === 1 ? undefined : "there is no ) to a group";
  } catch (error) {
    if (error instanceof Re2Fault) return error.message;
    throw error;
  }
}

function newGroup(): Group {
  return { most: 1, last: undefined, isRepeated: false };
}

/**
 * Reads one part, into the innermost group.
 *
 * @returns where it ends
 */
function readPart(text: string, at: number, groups: Group[]): number {
  const group = groups.at(-1) ?? newGroup();
  const quoted = matchAt(QUOTED, text, at);
  if (quoted !== undefined) {
    if (quoted[1] !== "") take(group, 1);
    return at + quoted[0].length;
  }
  const repetition = matchAt(REPETITION, text, at);
  if (repetition !== undefined) {
    repeat(group, repetition);
    return at + repetition[0].length;
  }
  if (text[at] === "(") return openGroup(text, at, groups);
  if (text[at] === ")") closeGroup(groups);
  else if (text[at] === "|") Object.assign(group, { last: undefined, isRepeated: false });
  else take(group, 1);
  if (text[at] === "[") return endOfClass(text, at);
  return text[at] === "\\" ? endOfEscape(text, at) : at + 1;
}

/** Notes a part that may be repeated. @param repeats most often that RE2 writes out a part of it */
function take(group: Group, repeats: number): void {
  group.last = repeats;
  group.isRepeated = false;
  group.most = Math.max(group.most, repeats);
}

/** RE2 writes counted repetitions out, one for each of those around it, as `*` and `+` are not. */
function repeat(group: Group, [part, least, upTo]: RegExpExecArray): void {
  if (group.last === undefined || group.isRepeated) throw new Re2Fault(`nothing to repeat`);
  if (upTo !== undefined && upTo !== "" && Number(upTo) < Number(least)) throw new Re2Fault(`numbers out of order in ${part}`);
  const times = Number(upTo || (least ?? 1));
  if (Math.max(times, Number(least ?? 1)) > MOST_REPEATS) throw new Re2Fault(`it repeats at most ${MOST_REPEATS} times, and not ${part}`);
  take(group, group.last * Math.max(1, times));
  group.isRepeated = true;
  if (group.most > MOST_REPEATS) throw new Re2Fault(`repetitions in each other come to at most ${MOST_REPEATS}`);
}

/** @returns where the beginning of the group ends */
function openGroup(text: string, at: number, groups: Group[]): number {
  const flags = endOf(FLAGS, text, at);
  if (flags !== undefined) {
    Object.assign(groups.at(-1) ?? {}, { isRepeated: false });
    return flags;
  }
  const end = endOf(GROUP, text, at);
  if (end === undefined) {
    const [part = ""] = /\(\?<?./s.exec(text.slice(at)) ?? [text.slice(at)];
    const isAround = /^\(\?<?[=!]$/.test(part);
    throw new Re2Fault(isAround ? `it cannot look ahead or behind, as with ${part}` : `there is no group ${part}`);
  }
  groups.push(newGroup());
  return end;
}

function closeGroup(groups: Group[]): void {
  const [closed, around] = [groups.pop(), groups.at(-1)];
  if (closed === undefined || around === undefined) throw new Re2Fault("there is no ( to a )");
  take(around, closed.most);
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
