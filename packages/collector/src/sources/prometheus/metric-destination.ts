import type { Sighting } from "@fenceline/edges";
import type { Mesh } from "../../mesh.ts";

/** A Service that a metric names. Metrics have no ports: it is known where there is one only. */
export type MetricDestination = Pick<Sighting, "host" | "port">;

/** Istio's own name of a Service, in full; undefined for any other host. */
export function destinationOfService(host: string, mesh: Mesh): MetricDestination | undefined {
  const found = destinationOfHost(host, undefined, mesh);
  return found?.host === host ? found : undefined;
}

/**
 * The Service that a host is for callers of a namespace. What every fence shows, the fallback and
 * the collector, is none.
 */
export function destinationOfHost(host: string, namespace: string | undefined, mesh: Mesh): MetricDestination | undefined {
  const service = mesh.registry.resolveHost(host, namespace);
  if (service === undefined) return undefined;
  const found = mesh.registry.hostOf(service);
  if (found === mesh.fallbackHost || found === mesh.collectorHost) return undefined;
  const ports = service.spec.ports.filter(({ protocol }) => protocol === "TCP");
  return { host: found, port: ports.length === 1 ? ports[0]?.port : undefined };
}
