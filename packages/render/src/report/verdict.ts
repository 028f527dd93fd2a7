/** Whether a fence may be enforced: now, later, or not before somebody has mended something. */
export type Verdict = "Ready" | "Wait" | "No";

/** Something that may go wrong when a fence is enforced. */
export interface Risk {
  /** One word in camel case, for machines. */
  readonly reason: string;
  /** The verdict that it asks for. Not there: it is told, and speaks against nothing. */
  readonly against?: Exclude<Verdict, "Ready">;
  /** For people. */
  readonly message: string;
  /** Which hosts it is about, by name. Not there: all of them. */
  readonly hosts?: readonly string[];
  /** Whether these are hosts that the fence hides; else the workload calls or declares them. */
  readonly areHidden?: boolean;
}

/** The worst that a risk asks for. */
export function verdictOf(risks: readonly Risk[]): Verdict {
  const asked = new Set(risks.map(({ against }) => against));
  if (asked.has("No")) return "No";
  return asked.has("Wait") ? "Wait" : "Ready";
}
