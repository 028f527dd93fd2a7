import { compareText, type FenceKey, type FenceMode, formatDuration } from "@fenceline/api";
import { EgressCover } from "../fence/egress-cover.ts";
import { type Footprint, totalOf, type VisibleHost } from "./mesh-inventory.ts";
import { type Observation, observationOf } from "./observation.ts";
import { type RisksInput, risksOf } from "./risks.ts";
import { bytesOf, ENVOY_BYTES } from "./saved-bytes.ts";
import { type Risk, type Verdict, verdictOf } from "./verdict.ts";

/** The input of a fence's report. */
export interface ReportInput extends RisksInput {
  readonly fence: FenceKey;
  readonly mode: FenceMode;
  /** Every host that its workload sees without the fence. */
  readonly visible: readonly VisibleHost[];
  /**
   * Hosts of its rendered Sidecar in Enforce, in a Sidecar's notation; undefined where there is
   * none, so that nothing is hidden.
   */
  readonly shows: readonly string[] | undefined;
  /** The last time at which the workload was observed. */
  readonly observedUntil: number | undefined;
}

/** What an Envoy no longer has to hold. */
interface Savings extends Footprint {
  /** An estimate, by {@link ENVOY_BYTES}. */
  readonly bytes: number;
  /** The largest relative error of the estimate in the measurements to which it was fitted. */
  readonly bytesError: number;
}

/** The effect of enforcing a fence: what it hides, what that saves in each Envoy, what it risks. */
export interface FenceReport {
  readonly fence: FenceKey;
  readonly mode: FenceMode;
  readonly verdict: Verdict;
  /** What speaks against enforcing, or that nothing does. */
  readonly reasons: readonly string[];
  /** The visible hosts that the workload still sees, in a Sidecar's notation. */
  readonly shows: readonly string[];
  /** The visible hosts that it does not see any more. */
  readonly hides: readonly string[];
  readonly saves: Savings;
  readonly risks: readonly Risk[];
  readonly observation: Observation;
}

/**
 * Reports the effect of enforcing a fence. Pure: the same fence in the same mesh has the same
 * report.
 */
export function fenceReport(input: ReportInput): FenceReport {
  const { fence, mode, visible, edges, observedUntil } = input;
  const cover = input.shows && new EgressCover(input.shows);
  const [shown, hidden] = parted(visible, ({ egress }) => cover === undefined || cover.includes(egress));
  const saved = totalOf(hidden);
  const observation = observationOf(edges, observedUntil);
  const risks = risksOf(input, observation, hidden);
  const verdict = verdictOf(risks);
  const reasons = risks.flatMap(({ against, reason, message }) => (against === undefined ? [] : [`${reason}: ${message}`]));
  return {
    fence,
    mode,
    verdict,
    reasons: verdict === "Ready" ? [readyReason(observation)] : reasons,
    shows: namesOf(shown),
    hides: namesOf(hidden),
    saves: { ...saved, bytes: bytesOf(saved, ENVOY_BYTES), bytesError: ENVOY_BYTES.error },
    risks,
    observation,
  };
}

/**
 * Only the verdict, and its reasons, from a fence's status: that takes no look at the mesh. It is
 * the same as in the report, since no risk of a hidden host affects it.
 */
export function verdictOfStatus(
  input: RisksInput,
  observedUntil: number | undefined,
): { readonly verdict: Verdict; readonly reasons: readonly string[] } {
  const risks = risksOf(input, observationOf(input.edges, observedUntil), []);
  const reasons = risks.flatMap(({ against, reason }) => (against === undefined ? [] : [reason]));
  return { verdict: verdictOf(risks), reasons: [...new Set(reasons)] };
}

function readyReason({ observed }: Observation): string {
  const minutes = Math.floor(observed / 60_000) * 60_000;
  return `Observed: for ${minutes === 0 ? "less than a minute" : formatDuration(minutes)}, and nothing speaks against enforcing it`;
}

function namesOf(hosts: readonly VisibleHost[]): readonly string[] {
  return hosts.map(({ egress }) => egress).sort(compareText);
}

function parted<T>(all: readonly T[], isFirst: (each: T) => boolean): readonly [readonly T[], readonly T[]] {
  const [first, second]: [T[], T[]] = [[], []];
  for (const each of all) (isFirst(each) ? first : second).push(each);
  return [first, second];
}
