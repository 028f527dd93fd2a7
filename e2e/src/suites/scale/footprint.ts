import type { Lab } from "../../lab/lab.ts";
import type { EnvoyAdmin } from "../../lab/pod/envoy-admin.ts";
import { percentile, sum } from "../mesh/figures.ts";

/** What an Envoy holds, once it is at rest. */
export interface Footprint {
  readonly clusters: number;
  /** Of the route table of port 80. */
  readonly virtualHosts: number;
  /** Allocated, in MB: the median of ten reads. */
  readonly memory: number;
  /** Accepted updates of clusters, listeners and routes since the Envoy started. */
  readonly pushes: number;
}

const READS = 10;
/** Largest difference between two of the reads of an Envoy at rest. */
const STEADY = 0.02;
const MB = 1_000_000;

/**
 * Measures an Envoy when its memory is steady: while configuration comes in, old and new are there
 * together.
 */
export async function footprintOf(lab: Lab, envoy: EnvoyAdmin): Promise<Footprint> {
  const reads: number[] = [];
  const memory = await lab.until(
    "an Envoy's memory to be steady",
    async () => {
      reads.push((await envoy.allocatedBytes()) / MB);
      const last = reads.slice(-READS);
      const isSteady = last.length === READS && Math.max(...last) <= Math.min(...last) * (1 + STEADY);
      return isSteady && percentile(last, 0.5);
    },
    { interval: 200, timeout: 120_000 },
  );
  const [table] = await envoy.routeTables("80");
  return { clusters: await clustersOf(envoy), virtualHosts: table?.virtualHosts.length ?? 0, memory, pushes: await pushesTo(envoy) };
}

/** Clusters that an Envoy works with. */
export async function clustersOf(envoy: EnvoyAdmin): Promise<number> {
  return (await envoy.stats("^cluster_manager.active_clusters$"))["cluster_manager.active_clusters"] ?? 0;
}

async function pushesTo(envoy: EnvoyAdmin): Promise<number> {
  const stats = await envoy.stats("(cds|lds|rds\\..*)\\.update_success$");
  return sum(Object.values(stats));
}
