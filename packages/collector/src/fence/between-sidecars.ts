import { EVERYTHING, isSameList, parkedHosts, type Sidecar, sidecarHosts, withHosts } from "@fenceline/api";
import { EgressCover } from "@fenceline/render/fence";
import type { StepsSeen } from "./steps-seen.ts";

/** A Sidecar that is used between the default one and ours, and when its next step is due. */
export interface Between {
  readonly sidecar: Sidecar;
  /** Milliseconds until the next step. */
  readonly nextStepIn: number;
}

/**
 * The Sidecar between the default one and ours, where the default hides Services whose clusters our
 * EnvoyFilter names: without those clusters its routes would fail. It shows what the default shows,
 * and parks these Services. Undefined where it is not needed.
 *
 * @param had the existing Sidecar
 * @param sidecar one of ours for the same pods
 */
export function beforeFilter(had: Sidecar | undefined, sidecar: Sidecar, seen: StepsSeen): Between | undefined {
  const hidden = hiddenNames(seen, sidecarHosts(sidecar));
  const shown = new EgressCover(had === undefined ? [] : sidecarHosts(had));
  const isThere = (egress: string) => shown.includes(egress) || (had !== undefined && isParkedFor(egress, had, seen));
  if (hidden.every(isThere)) return undefined;
  const due = hidden.map((egress) => seen.parked.dueAt(egress, seen.pause) ?? seen.clock + seen.pause);
  return between(sidecar, hidden, seen, Math.max(...due));
}

/** The same after our Sidecar, while the filter exists. Undefined once both may be deleted. */
export function beforeDefault(had: Sidecar, seen: StepsSeen): Between | undefined {
  const hidden = hiddenNames(seen, [...sidecarHosts(had), ...parkedHosts(had)]);
  if (hidden.length === 0) return undefined;
  const isBetween = isSameList(sidecarHosts(had), seen.unfenced ?? []) && isSameList(parkedHosts(had), hidden);
  const due = isBetween ? seen.parked.unchangedSince + seen.pause : seen.clock + seen.pause;
  return due <= seen.clock ? undefined : between(had, hidden, seen, due);
}

function between(sidecar: Sidecar, hidden: readonly string[], { clock, unfenced = [] }: StepsSeen, due: number): Between {
  return { sidecar: withHosts(sidecar, unfenced, hidden), nextStepIn: Math.max(0, due - clock) };
}

/** Whether the clusters that the filter names disappear with our Sidecar. */
export function hidesNamed(had: Sidecar, seen: StepsSeen): boolean {
  return hiddenNames(seen, [...sidecarHosts(had), ...parkedHosts(had)]).length > 0;
}

/**
 * What the filter names and the default Sidecar hides. Istio accepts no empty list, so a default
 * that shows nothing is not replaced in this way.
 *
 * @param hosts of a Sidecar of ours. A Service that is not among them does not exist
 */
function hiddenNames({ unfenced = [EVERYTHING], named = [] }: StepsSeen, hosts: readonly string[]): readonly string[] {
  const [cover, ours] = [new EgressCover(unfenced), new EgressCover(hosts)];
  return unfenced.length === 0 ? [] : named.filter((egress) => ours.includes(egress) && !cover.includes(egress)).sort();
}

function isParkedFor(egress: string, had: Sidecar, { parked, pause, clock }: StepsSeen): boolean {
  const isDue = (parked.dueAt(egress, pause) ?? Infinity) <= clock;
  return parkedHosts(had).includes(egress) && (isDue || parked.hasCluster(egress));
}
