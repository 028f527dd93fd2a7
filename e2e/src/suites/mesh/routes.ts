import type { Fenceline } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";
import type { Pod } from "../../lab/pod/pod.ts";
import type { UntilOptions } from "../../lab/until.ts";

/** Whether a pod's Envoy has a route to each of these hosts, whose names are fully qualified. */
export async function hasRoutes({ envoy }: Pod, hosts: readonly string[]): Promise<boolean> {
  const tables = await envoy.routeTables();
  const domains = new Set(tables.flatMap(({ virtualHosts }) => virtualHosts.flatMap((host) => host.domains)));
  return hosts.every((host) => domains.has(host));
}

/**
 * Waits until the mesh knows Services that were made just now, and who answers for them: istiod
 * collects changes for up to 10 s while they keep coming, and calls to a Service that no Envoy has
 * heard of fail with or without a fence.
 */
export async function untilMeshKnows(lab: Lab, fenceline: Fenceline, hosts: readonly string[], options: UntilOptions = {}): Promise<void> {
  const known = async () => {
    const all = await Promise.all(
      fenceline.globalSidecars.map(async ({ pod }) => (await hasRoutes(pod, hosts)) && hasEndpoints(pod, hosts)),
    );
    return all.length > 0 && all.every((knows) => knows);
  };
  await lab.until(`the global sidecar to know ${hosts.length} hosts`, known, options);
}

async function hasEndpoints({ envoy }: Pod, hosts: readonly string[]): Promise<boolean> {
  const clusters = await envoy.clustersWithEndpoints();
  const known = new Set(clusters.map((name) => name.slice(name.lastIndexOf("|") + 1)));
  return hosts.every((host) => known.has(host));
}
