/** How a fence is asked to forget what it has learned. */
import { z } from "zod";
import { normalHost } from "../egress-host.ts";
import { shortHash } from "../short-hash.ts";

/**
 * Annotation on a ServiceFence. With each new value the fence forgets, once, what it had learned:
 * all of it, or only the hosts that stand behind the value, after blanks or commas.
 */
export const RESET_ANNOTATION = "fenceline.io/reset";

/** The annotations of a fence that are read. What is no text says nothing. */
export const ResetAnnotations = z
  .object({ [RESET_ANNOTATION]: z.string().optional().catch(undefined) })
  .optional()
  .catch(undefined);

/** What a fence is to forget. */
export interface Reset {
  /** Tells it from every other reset of the fence, as `status.reset` does. */
  readonly mark: string;
  /** As they were written; undefined for all that was learned. */
  readonly hosts: readonly string[] | undefined;
}

/** Longest value that a status repeats, in characters. */
const LONGEST_MARK = 200;

/**
 * Longest reset that was asked for by the API and waits for the leader, in characters: its hosts
 * stand in the status.
 */
export const LONGEST_ASKED = 4_096;

/** Before the last time that is written with a year of four digits: times compare as texts. */
const LATEST = Date.parse("9999-12-31T23:59:59.998Z");

/** What the annotation of a fence asks for; undefined where it asks for nothing. */
export function resetOf(annotations: z.infer<typeof ResetAnnotations>): Reset | undefined {
  return parseReset(annotations?.[RESET_ANNOTATION]);
}

/**
 * A reset as a person or the API writes it: a value, and the hosts behind it.
 *
 * @returns undefined where it asks for nothing
 */
export function parseReset(text = ""): Reset | undefined {
  const value = text.trim();
  const [word, ...hosts] = value.split(/[\s,]+/);
  if (word === undefined || word === "") return undefined;
  const mark = value.length <= LONGEST_MARK ? value : `${word.slice(0, LONGEST_MARK / 2)} and ${hosts.length} hosts ${shortHash(value)}`;
  return { mark, hosts: hosts.length === 0 ? undefined : hosts.map(normalHost) };
}

/**
 * The reset to write for one that is asked for by the API now. Its value is a time, and later than
 * that of any before. One that nobody has dealt with yet becomes a part of it.
 *
 * @param host undefined for all that was learned
 * @param now milliseconds of the wall clock
 * @returns undefined when too much waits
 */
export function nextAsked({ resetAsked, resetAnswered }: Asked, host: string | undefined, now: number): string | undefined {
  const before = parseReset(resetAsked);
  const [time = ""] = resetAsked?.split(" ") ?? [];
  const at = new Date(Math.max(now, Math.min(LATEST, Date.parse(time) || 0) + 1)).toISOString();
  const waiting = before !== undefined && resetAsked !== resetAnswered ? before : { hosts: [] };
  const hosts = host === undefined || waiting.hosts === undefined ? [] : [...new Set([...waiting.hosts, host])];
  const asked = [at, ...hosts].join(" ");
  return asked.length <= LONGEST_ASKED ? asked : undefined;
}

/** What a status says of the resets that were asked for by the API. */
interface Asked {
  readonly resetAsked?: string | undefined;
  readonly resetAnswered?: string | undefined;
}
