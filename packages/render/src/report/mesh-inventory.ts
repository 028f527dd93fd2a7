import type { Service } from "@fenceline/api";
import { isHeadless, portProtocol, type ServiceLookup, showsEverywhere, tcpPortsOf } from "@fenceline/registry";

/** What an Envoy holds of some hosts. */
export interface Footprint {
  readonly clusters: number;
  /** In all clusters together. */
  readonly endpoints: number;
  readonly listeners: number;
}

/** A host that a workload sees without a fence. */
export interface VisibleHost extends Footprint {
  /** In a Sidecar's notation. */
  readonly egress: string;
  readonly namespace: string;
  readonly host: string;
  /** Whether a Service has it; else a ServiceEntry does. */
  readonly isService: boolean;
  /** Whether it has a port that is not HTTP. */
  readonly isTcp: boolean;
}

/**
 * What an Envoy holds of a Service at least: subsets of DestinationRules have their own clusters,
 * and are not counted.
 *
 * - Istio makes a cluster for each TCP port, and none for an ExternalName, which is an alias.
 * - Each cluster has the endpoints. One of a headless Service has none: Envoy connects to the
 *   address that the caller dialled (ORIGINAL_DST).
 * - A port that is not HTTP has a listener at the Service's address. HTTP ports with the same
 *   number share one, which a fence keeps: the fallback's Service has the number, too.
 */
export function serviceFootprint(service: Service, registry: ServiceLookup): VisibleHost {
  const { namespace, name } = service.metadata;
  const host = registry.hostOf(service);
  const ports = service.spec.type === "ExternalName" ? [] : tcpPortsOf(service);
  return {
    egress: `${namespace}/${host}`,
    namespace,
    host,
    isService: true,
    isTcp: showsEverywhere(service),
    clusters: ports.length,
    endpoints: isHeadless(service) ? 0 : ports.length * registry.readyEndpoints(namespace, name),
    listeners: ports.filter((port) => portProtocol(port) !== "http").length,
  };
}

/** A host of a ServiceEntry. What an Envoy holds of it is not known here, so nothing is counted. */
export function entryFootprint({ namespace, host }: { readonly namespace: string; readonly host: string }): VisibleHost {
  return { egress: `${namespace}/${host}`, namespace, host, isService: false, isTcp: false, clusters: 0, endpoints: 0, listeners: 0 };
}

/** What an Envoy holds of several hosts. */
export function totalOf(hosts: readonly Footprint[]): Footprint {
  let [clusters, endpoints, listeners] = [0, 0, 0];
  for (const host of hosts) {
    clusters += host.clusters;
    endpoints += host.endpoints;
    listeners += host.listeners;
  }
  return { clusters, endpoints, listeners };
}
