import { collectedGauge } from "@fenceline/http-api/collected-metrics";
import type { AddressTable } from "@fenceline/proxy/worker-pool";
import { Registry as MetricsRegistry } from "prom-client";

/** The known addresses of the mesh, and how current they are. */
export interface MeshKnowledge {
  readonly table: AddressTable;
  readonly isConnected: () => boolean;
  /** Seconds since the connection to the collector was lost; 0 while it is connected. */
  readonly age: () => number;
}

/** The metrics of the mesh's addresses, in their own registry. */
export function meshMetrics({ table, isConnected, age }: MeshKnowledge): MetricsRegistry {
  const registry = new MetricsRegistry();
  const gauge = (name: string, help: string, read: () => number) => collectedGauge(registry, { name, help, read });
  gauge("fenceline_proxy_mesh_addresses", "Known addresses of the mesh.", () => table.size);
  gauge("fenceline_proxy_mesh_connected", "Whether the collector sends changes of the mesh's addresses.", () => (isConnected() ? 1 : 0));
  gauge(
    "fenceline_proxy_mesh_age_seconds",
    "Seconds since the collector was last connected, 0 while it is; the last addresses stay in force.",
    age,
  );
  return registry;
}
