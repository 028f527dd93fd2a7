import { durationMs, type ServiceFence, warmUpMark } from "@fenceline/api";
import type { FenceEdges } from "@fenceline/edges";
import type { ServiceLookup } from "@fenceline/registry";
import { statusKey } from "@fenceline/render/fence";

/**
 * Most hosts of a fence up to which a warm-up with the whole mesh continues: the highest
 * `maxHosts`.
 */
const MOST_HOSTS = 100_000;

/**
 * Adds what `spec.warmUp` names, unless it was added before: what aged out since is not added
 * again. A changed warm-up counts as another one.
 *
 * @returns the first host for which there was no room; undefined when there was room for all
 */
export function warmUp(edges: FenceEdges, fence: ServiceFence, registry: ServiceLookup, now: number): string | undefined {
  const mark = warmUpMark(fence.spec.warmUp);
  if (edges.warmedUp === mark) return undefined;
  edges.warmedUp = mark;
  const idleWindow = durationMs(fence.spec.warmUp.for);
  for (const host of preloaded(fence, registry)) {
    if (edges.size >= MOST_HOSTS) return host;
    const isNew = edges.offer({ host, source: "preloaded", firstSeen: now, lastSeen: now, idleWindow });
    // A host that is there already stays as long as one that is added now.
    if (!isNew && edges.has(host)) edges.extend(host, idleWindow, true);
    // There is no room for the hosts after it either: all hosts of the page count as just seen. A
    // declared host among them is shown without needing room.
    else if (!isNew) return host;
  }
  return undefined;
}

/**
 * The warm-up that an earlier run or another replica added. Earlier versions did not name it. They
 * added it for a fence without a status of ours, and what aged out since must not come back with an
 * upgrade.
 */
export function warmedUpBefore({ spec, status }: Pick<ServiceFence, "spec" | "status">): string | undefined {
  if (status.warmUp !== undefined) return status.warmUp;
  const isOurs = status.observedUntil !== undefined || Object.values(status.domains).some(({ source }) => source !== undefined);
  return isOurs ? warmUpMark(spec.warmUp) : undefined;
}

/**
 * A list in its own order, since a person may put the most important first. Services with the
 * fence's own namespace first, which a workload calls most, then by namespace and name. One by one:
 * there may be room for few of the thousands of a namespace.
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
