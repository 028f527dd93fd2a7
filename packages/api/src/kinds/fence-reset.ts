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

/** What the annotation of a fence asks for; undefined where it asks for nothing. */
export function resetOf(annotations: z.infer<typeof ResetAnnotations>): Reset | undefined {
  const value = annotations?.[RESET_ANNOTATION]?.trim() ?? "";
  const [word, ...hosts] = value.split(/[\s,]+/);
  if (word === undefined || word === "") return undefined;
  const mark = value.length <= LONGEST_MARK ? value : `${word.slice(0, LONGEST_MARK / 2)} and ${hosts.length} hosts ${shortHash(value)}`;
  return { mark, hosts: hosts.length === 0 ? undefined : hosts.map(normalHost) };
}
