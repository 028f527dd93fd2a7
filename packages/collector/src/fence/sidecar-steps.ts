import type { EnvoyFilter, RenderedObject, Sidecar } from "@fenceline/api";
import { portProtocol, type ServiceLookup } from "@fenceline/registry";
import { hasOnDemand, switchOver } from "@fenceline/render/fence";
import { beforeDefault, beforeFilter, hidesNamed } from "./between-sidecars.ts";
import type { StepsSeen } from "./steps-seen.ts";

/** What of a fence is to be rendered now. */
interface NextStep {
  readonly objects: readonly RenderedObject[];
  /** Milliseconds until the next step; undefined when this is the last. */
  readonly nextStepIn: number | undefined;
}

/**
 * The next step from the rendered objects to the wanted ones, in which no request fails.
 *
 * As long as a Sidecar hides hosts, its EnvoyFilter catches the calls to them. So when the Sidecar
 * is to be deleted, the filter stays as it is until every Envoy knows the whole mesh.
 *
 * Where the default Sidecar hides what the filter names, another Sidecar is used in between:
 * without one, calls by a route of the filter would find no cluster.
 */
export function nextStep(present: readonly RenderedObject[], wanted: readonly RenderedObject[], seen: StepsSeen): NextStep {
  const [hadFilter, had] = [filterIn(present), sidecarIn(present)];
  const [filter, sidecar] = [filterIn(wanted), sidecarIn(wanted)];
  const first = sidecar && beforeFilter(had, sidecar, seen);
  if (first !== undefined) return { objects: [hadFilter ?? [], first.sidecar].flat(), nextStepIn: first.nextStepIn };
  const { parked, isHttp, pause, clock, unfenced } = seen;
  const waitsInEnvoy = [hadFilter, filter].every((one) => one !== undefined && hasOnDemand(one));
  const isAwaited = (egress: string) => waitsInEnvoy && isHttp(egress);
  const step = switchOver({ present: had, wanted: sidecar, unfenced, isAwaited, parked, pause, now: clock });
  const catches = sidecar === undefined ? hadFilter : filter;
  if (step.sidecar !== undefined)
    return { objects: [catches ?? [], step.sidecar].flat(), nextStepIn: step.nextAt && Math.max(0, step.nextAt - clock) };
  return catches === undefined ? { objects: wanted, nextStepIn: had && pause } : withoutSidecar(had, catches, wanted, seen);
}

/** All hosts whose calls the filter caught are shown, or are about to be. */
function withoutSidecar(had: Sidecar | undefined, filter: EnvoyFilter, wanted: readonly RenderedObject[], seen: StepsSeen): NextStep {
  const { parked, pause, clock } = seen;
  const last = had && beforeDefault(had, seen);
  if (last !== undefined) return { objects: [filter, last.sidecar], nextStepIn: last.nextStepIn };
  // Both are removed at once: the clusters that the filter names disappear with the Sidecar.
  if (had !== undefined && hidesNamed(had, seen)) return { objects: wanted, nextStepIn: undefined };
  if (had !== undefined) return { objects: [filter], nextStepIn: pause };
  const revealedAt = parked.revealedAt(pause) ?? clock;
  const isHeld = revealedAt > clock && !wanted.some(({ kind }) => kind === "Sidecar");
  return isHeld ? { objects: [filter], nextStepIn: revealedAt - clock } : { objects: wanted, nextStepIn: undefined };
}

/**
 * Whether all calls to a host are HTTP: only such a call waits in the Envoy. A host that is no
 * Service may use any protocol.
 */
export function isHttp(host: string, registry: ServiceLookup): boolean {
  const ports = registry.resolveHost(host)?.spec.ports ?? [];
  return ports.length > 0 && ports.every((port) => portProtocol(port) === "http");
}

function filterIn(objects: readonly RenderedObject[]): EnvoyFilter | undefined {
  return objects.find((object) => object.kind === "EnvoyFilter");
}

function sidecarIn(objects: readonly RenderedObject[]): Sidecar | undefined {
  return objects.find((object) => object.kind === "Sidecar");
}
