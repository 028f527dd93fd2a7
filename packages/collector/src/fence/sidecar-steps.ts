import type { EnvoyFilter, RenderedObject, Sidecar } from "@fenceline/api";
import { hasOnDemand, type ParkedHosts, switchOver } from "@fenceline/render/fence";

/** What the steps of a fence's Sidecar are worked out from. */
export interface StepsSeen {
  /** Since when what is parked is. */
  readonly parked: Pick<ParkedHosts, "dueAt" | "hasCluster" | "revealedAt">;
  /** Whether a host, as the Sidecar names it, is a Service all of whose ports are HTTP. */
  readonly isHttp: (egress: string) => boolean;
  /** Milliseconds that istiod and the Envoys need to take in a step. */
  readonly pause: number;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: number;
}

/** What of a fence is to be rendered now. */
interface NextStep {
  readonly objects: readonly RenderedObject[];
  /** Milliseconds until the next step; undefined when this is the last. */
  readonly nextStepIn: number | undefined;
}

/**
 * The next step from the objects that are rendered to those that are wanted, on which no request
 * fails.
 *
 * As long as a Sidecar hides hosts, its EnvoyFilter catches the calls to them. So where the Sidecar
 * is to go the filter stays as it is until every Envoy knows the whole mesh.
 */
export function nextStep(present: readonly RenderedObject[], wanted: readonly RenderedObject[], seen: StepsSeen): NextStep {
  const [hadFilter, had] = [filterIn(present), sidecarIn(present)];
  const [filter, sidecar] = [filterIn(wanted), sidecarIn(wanted)];
  const { parked, isHttp, pause, clock } = seen;
  const waitsInEnvoy = [hadFilter, filter].every((one) => one !== undefined && hasOnDemand(one));
  const isAwaited = (egress: string) => waitsInEnvoy && isHttp(egress);
  const step = switchOver({ present: had, wanted: sidecar, isAwaited, parked, pause, now: clock });
  const catches = sidecar === undefined ? hadFilter : filter;
  if (step.sidecar !== undefined)
    return { objects: [catches ?? [], step.sidecar].flat(), nextStepIn: step.nextAt && Math.max(0, step.nextAt - clock) };
  if (had !== undefined) return { objects: [catches ?? []].flat(), nextStepIn: pause };
  const revealedAt = parked.revealedAt(pause) ?? clock;
  if (sidecar === undefined && catches !== undefined && revealedAt > clock) return { objects: [catches], nextStepIn: revealedAt - clock };
  return { objects: wanted, nextStepIn: undefined };
}

function filterIn(objects: readonly RenderedObject[]): EnvoyFilter | undefined {
  return objects.find((object) => object.kind === "EnvoyFilter");
}

function sidecarIn(objects: readonly RenderedObject[]): Sidecar | undefined {
  return objects.find((object) => object.kind === "Sidecar");
}
