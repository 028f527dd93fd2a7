import { durationMs, type ServiceFence, warmUpMark } from "@fenceline/api";
import type { FenceEdges } from "@fenceline/edges";
import type { ServiceLookup } from "@fenceline/registry";
import { statusKey } from "@fenceline/render/fence";

/**
 * Most hosts of a fence up to which a warm-up with the whole mesh goes on: as many as `maxHosts`
 * may be at most.
 */
const MOST_HOSTS = 100_000;

/**
 * Puts in what `spec.warmUp` names, unless it was put in before: what fell away since stays away. A
 * warm-up that was changed is another one.
 *
 * @returns the first host that found no room; undefined when all of them did
 */
export function warmUp(edges: FenceEdges, fence: ServiceFence, registry: ServiceLookup, now: number): string | undefined {
  const mark = warmUpMark(fence.spec.warmUp);
  if (edges.warmedUp === mark) return undefined;
  edges.warmedUp = mark;
  const idleWindow = durationMs(fence.spec.warmUp.for);
  for (const host of preloaded(fence, registry)) {
    if (edges.size >= MOST_HOSTS) return host;
    const isNew = edges.offer({ host, source: "preloaded", firstSeen: now, lastSeen: now, idleWindow });
    // One that was there stays as long as one that comes now.
    if (!isNew && edges.has(host)) edges.extend(host, idleWindow, true);
    // Nothing makes room for the hosts behind it: all that the page holds counts as just seen. A
    // declared one among them is shown without a place.
    else if (!isNew) return host;
  }
  return undefined;
}

/**
 * The warm-up that was put in by an earlier run or another replica. Versions before did not say
 * which it was; they did so for a fence without a status of ours, and whatever fell away of it then
 * must not come back with an upgrade.
 */
export function warmedUpBefore({ spec, status }: Pick<ServiceFence, "spec" | "status">): string | undefined {
  if (status.warmUp !== undefined) return status.warmUp;
  const isOurs = status.observedUntil !== undefined || Object.values(status.domains).some(({ source }) => source !== undefined);
  return isOurs ? warmUpMark(spec.warmUp) : undefined;
}

/**
 * A list as it is written, for a person may put first what matters most; Services with the fence's
 * own namespace first, which a workload calls most, then by namespace and name. One by one: of the
 * thousands of a namespace most may find no room.
 */
function* preloaded({ metadata: { namespace }, spec }: ServiceFence, registry: ServiceLookup): Generator<string, void> {
  const { preload } = spec.warmUp;
  if (preload === "None") return;
  if (typeof preload === "object") {
    for (const key of preload) yield statusKey(key, namespace, registry);
    return;
  }
  for (const service of registry.servicesIn(namespace)) yield registry.hostOf(service);
  if (preload === "Namespace") return;
  for (const service of registry.services()) if (service.metadata.namespace !== namespace) yield registry.hostOf(service);
}
