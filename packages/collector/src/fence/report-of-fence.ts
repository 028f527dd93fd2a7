import { fenceKeyOf, fenceMode, idleWindowOf, type ServiceFenceStatus } from "@fenceline/api";
import type { MeshHosts, Registry } from "@fenceline/registry";
import { egressOf, hostsRefusal } from "@fenceline/render/fence";
import { entryFootprint, type FenceReport, fenceReport, serviceFootprint, type VisibleHost } from "@fenceline/render/report";
import { defaultImports } from "./default-imports.ts";
import type { FenceSeen } from "./desired-fence.ts";

/** The mesh as reports read it. */
export interface ReportedMesh {
  readonly registry: Registry;
  readonly meshHosts: MeshHosts;
  /** What an Envoy holds of each Service, from {@link serviceFootprints}. */
  readonly services: readonly VisibleHost[];
}

/** Services after which other tasks get their turn. */
const AT_ONCE = 1_000;

/** What an Envoy holds of each Service. Yields no value where other tasks should get a turn. */
export function* serviceFootprints(registry: Registry): Generator<readonly never[], readonly VisibleHost[]> {
  const hosts: VisibleHost[] = [];
  for (const service of registry.services()) {
    hosts.push(serviceFootprint(service, registry));
    if (hosts.length % AT_ONCE === 0) yield [];
  }
  return hosts;
}

/** What enforcing a fence would do, or does, from what is known of it now. */
export function reportOfFence(seen: FenceSeen, status: ServiceFenceStatus, mesh: ReportedMesh): FenceReport {
  const { fence, hosts, labels, config, edges, steps } = seen;
  const { namespace } = fence.metadata;
  const mode = fenceMode(fence.spec);
  const shows = mode === "Off" || labels === undefined ? undefined : egressOf({ hosts, config, exact: steps !== undefined });
  const refused = shows && hostsRefusal(shows);
  return fenceReport({
    fence: fenceKeyOf(fence),
    mode,
    visible: visibleHosts(seen, mesh),
    shows: refused === undefined ? shows : undefined,
    refused,
    conditions: status.conditions ?? [],
    edges: edges.hosts,
    observedUntil: status.observedUntil === undefined ? undefined : Date.parse(status.observedUntil),
    idleWindow: idleWindowOf(fence.spec, config.ageing),
    isService: (host) => mesh.registry.resolveHost(host, namespace) !== undefined,
  });
}

/** What the default Sidecar hides is hidden even without the fence. */
function visibleHosts(seen: FenceSeen, { services, meshHosts }: ReportedMesh): readonly VisibleHost[] {
  const { namespace } = seen.fence.metadata;
  const all = [...services, ...meshHosts.entriesVisibleTo(namespace).map(entryFootprint)];
  const imports = defaultImports(namespace, { foreign: seen.foreign, foreignInRoot: seen.foreignInRoot ?? [] });
  return imports === undefined ? all : all.filter((each) => imports.shows(each.namespace, each.host));
}
