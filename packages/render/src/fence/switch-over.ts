import { EVERYTHING, isSameList, parkedHosts, type Sidecar, sidecarHosts, withHosts } from "@fenceline/api";
import { EgressCover } from "./egress-cover.ts";
import type { ParkedHosts } from "./parked-hosts.ts";
import { fitsInSidecar } from "./refusals.ts";

/** The input of {@link switchOver}. */
export interface SwitchOverInput {
  /** The fence's Sidecar as it is; undefined where there is none. */
  readonly present: Sidecar | undefined;
  /** What the workload sees without a Sidecar of ours. Default: everything. */
  readonly unfenced?: readonly string[] | undefined;
  /** The Sidecar as it should become. */
  readonly wanted: Sidecar | undefined;
  /**
   * Whether calls to a host that is shown wait in the Envoy until its cluster exists, so that it
   * need not be parked before.
   */
  readonly isAwaited: (egress: string) => boolean;
  /** Since when hosts of `present` have been parked. */
  readonly parked: Pick<ParkedHosts, "dueAt" | "hasCluster">;
  /** Milliseconds that every Envoy needs to apply a step. */
  readonly pause: number;
  /** Milliseconds of the clock of `parked`. */
  readonly now: number;
}

/** One step from the present Sidecar to the wanted one. */
export interface SwitchOverStep {
  /** The Sidecar after this step; undefined for none. */
  readonly sidecar: Sidecar | undefined;
  /**
   * When the next step is due, unless something changes before; undefined when this is the last.
   */
  readonly nextAt: number | undefined;
}

/**
 * The next step from one Sidecar to another, such that no request fails on the way.
 *
 * istiod removes the cluster of a host some milliseconds before its route, and adds the route
 * before the cluster is ready (istio/istio#39837). So a host that is removed is parked first: its
 * route and its listener are removed, and its cluster stays, in a listener that nobody can reach.
 * Once every Envoy has applied that, the host is removed. A host that is added is parked first too,
 * unless calls to it wait. Without a Sidecar of ours a workload sees everything, or what the
 * default Sidecar shows. So the first and the last Sidecar need steps of the same kind.
 *
 * It depends only on what is rendered and what is wanted. If a replica dies between two steps,
 * parked hosts are left, and the next run, on any replica, continues from there.
 */
export function switchOver(input: SwitchOverInput): SwitchOverStep {
  const { present, wanted, unfenced = [EVERYTHING] } = input;
  const hostsOf = (sidecar: Sidecar | undefined) => (sidecar === undefined ? unfenced : sidecarHosts(sidecar));
  const target = hostsOf(wanted);
  const before: Hosts = { shown: hostsOf(present), parked: present === undefined ? [] : parkedHosts(present) };
  if (before.parked.length === 0 && isSameList(before.shown, target)) return { sidecar: wanted, nextAt: undefined };
  const { shown, waiting } = nextShown(input, before, target);
  const base = wanted ?? present;
  if (base === undefined || (wanted === undefined && waiting.length === 0)) return { sidecar: undefined, nextAt: undefined };
  const parked = nextParked(input, before, target, { shown, waiting });
  // A Sidecar that etcd would refuse cannot be a step.
  if (!fitsInSidecar([...shown, ...parked])) return { sidecar: wanted, nextAt: undefined };
  const due = [...waiting, ...parked].map((egress) => dueAt(input, egress));
  return { sidecar: withHosts(base, shown, parked), nextAt: due.length === 0 ? undefined : Math.min(...due) };
}

interface Hosts {
  readonly shown: readonly string[];
  readonly parked: readonly string[];
}

interface Shown {
  /** What the Sidecar shows next. */
  readonly shown: readonly string[];
  /** Wanted hosts that have not been parked for long enough. */
  readonly waiting: readonly string[];
}

function nextShown({ isAwaited, parked, pause, now }: SwitchOverInput, before: Hosts, target: readonly string[]): Shown {
  const [shown, held] = [new EgressCover(before.shown), new EgressCover(before.parked)];
  const isReady = (egress: string) =>
    held.includes(egress) && (parked.hasCluster(egress) || (parked.dueAt(egress, pause) ?? Infinity) <= now);
  const come = target.filter((egress) => shown.includes(egress) || isAwaited(egress) || isReady(egress));
  const coming = new EgressCover(come);
  const waiting = target.filter((egress) => !coming.has(egress));
  // A host that a wildcard will include stays until the wildcard is shown.
  const later = new EgressCover(waiting);
  const kept = before.shown.filter((egress) => !coming.includes(egress) && later.includesMore(egress));
  return { shown: [...come, ...kept], waiting };
}

/** Hosts that leave, hosts that come, and those not parked for long enough to be removed. */
function nextParked(input: SwitchOverInput, before: Hosts, target: readonly string[], { shown, waiting }: Shown): readonly string[] {
  const [next, wanted] = [new EgressCover(shown), new EgressCover(target)];
  const leaving = before.shown.filter((egress) => !next.includes(egress) && !wanted.includes(egress));
  const staying = before.parked.filter((egress) => !next.includes(egress) && dueAt(input, egress) > input.now);
  const all = new Set([...staying, ...waiting, ...leaving]);
  const cover = new EgressCover([...all]);
  return [...all].filter((egress) => !cover.includesMore(egress)).sort();
}

/** When a host that is parked now, or by this step, may get its next step. */
function dueAt({ parked, pause, now }: SwitchOverInput, egress: string): number {
  return parked.dueAt(egress, pause) ?? now + pause;
}
