import type { Sighting } from "@fenceline/edges";
import type { Mesh } from "../../mesh.ts";

/** A Service in a metric. Metrics have no ports: the port is known only if there is just one. */
export type MetricDestination = Pick<Sighting, "host" | "port">;

/** Istio's full name of a Service; undefined for any other host. */
export function destinationOfService(host: string, mesh: Mesh): MetricDestination | undefined {
  const found = destinationOfHost(host, undefined, mesh);
  return found?.host === host ? found : undefined;
}

/**
 * The Service that a host means for callers of a namespace. The fallback and the collector do not
 * count, since every fence shows them.
 */
export function destinationOfHost(host: string, namespace: string | undefined, mesh: Mesh): MetricDestination | undefined {
  const service = mesh.registry.resolveHost(host, namespace);
  if (service === undefined) return undefined;
  const found = mesh.registry.hostOf(service);
  if (found === mesh.fallbackHost || found === mesh.collectorHost) return undefined;
  const ports = service.spec.ports.filter(({ protocol }) => protocol === "TCP");
  return { host: found, port: ports.length === 1 ? ports[0]?.port : undefined };
}
