import { collectedGauge } from "@fenceline/http-api/collected-metrics";
import type { AddressTable } from "@fenceline/proxy/worker-pool";
import { Registry as MetricsRegistry } from "prom-client";

/** What is known of the mesh's addresses, and how far it is to be trusted. */
export interface MeshKnowledge {
  readonly table: AddressTable;
  readonly isConnected: () => boolean;
  /** Seconds since the collector was last heard while connected; 0 while it is. */
  readonly age: () => number;
}

/** The metrics of the mesh's addresses, in a registry of their own. */
export function meshMetrics({ table, isConnected, age }: MeshKnowledge): MetricsRegistry {
  const registry = new MetricsRegistry();
  const gauge = (name: string, help: string, read: () => number) => collectedGauge(registry, { name, help, read });
  gauge("fenceline_proxy_mesh_addresses", "Addresses that are known to be the mesh's.", () => table.size);
  gauge("fenceline_proxy_mesh_connected", "Whether the collector tells what changes in the mesh.", () => (isConnected() ? 1 : 0));
  gauge("fenceline_proxy_mesh_age_seconds", "Seconds for which nobody has told what changes; what came before stays in force.", age);
  return registry;
}
