/** Whether a fence may be enforced: now, later, or only after somebody has corrected something. */
export type Verdict = "Ready" | "Wait" | "No";

/** Something that may go wrong when a fence is enforced. */
export interface Risk {
  /** One word in camel case, for machines. */
  readonly reason: string;
  /** The verdict that it requires. Undefined: it is only told. */
  readonly against?: Exclude<Verdict, "Ready">;
  /** For people. */
  readonly message: string;
  /** Names of the hosts concerned. Undefined: all of them. */
  readonly hosts?: readonly string[];
  /** Whether the fence hides these hosts; else the workload calls or declares them. */
  readonly areHidden?: boolean;
}

/** The worst verdict that a risk requires. */
export function verdictOf(risks: readonly Risk[]): Verdict {
  const asked = new Set(risks.map(({ against }) => against));
  if (asked.has("No")) return "No";
  return asked.has("Wait") ? "Wait" : "Ready";
}
