import { type ObjectRef, type SpecFault, statusOfFault, tellsFault } from "@fenceline/api";
import type { Desired, Reconciler } from "./reconciler.ts";

/** What the status of an object is judged from. */
export interface StatusKnown {
  /** What its spec asks for, by the last version that could be read; undefined where none could. */
  readonly desired: Desired<object> | undefined;
  /** Why its spec cannot be read now; undefined when it can. */
  readonly fault: SpecFault | undefined;
  /** Whether this replica leads: it alone judges. */
  readonly leads: boolean;
}

/**
 * The status to write of an object; undefined when nothing is to be written. If its spec cannot be
 * read, the version before stays in force. The status is that of this version, and a condition says
 * that the spec cannot be read.
 */
export function statusToWrite(
  reconciler: Pick<Reconciler, "kind" | "statusToWrite">,
  of: ObjectRef,
  { desired, fault, leads }: StatusKnown,
): object | undefined {
  const { kind } = reconciler;
  if (desired?.isLeftAlone === true) return undefined;
  if (fault === undefined || !leads) return desired && reconciler.statusToWrite(of, desired);
  const status = statusOfFault(kind, desired?.status ?? fault.status, fault, Date.now());
  if (desired !== undefined) return reconciler.statusToWrite(of, status === undefined ? desired : { ...desired, status });
  return tellsFault(kind, fault) ? undefined : status;
}
