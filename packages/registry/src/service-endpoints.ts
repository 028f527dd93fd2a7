import type { EndpointSlice, Service } from "@fenceline/api";
import type { EndpointAddress } from "./destination.ts";
import { isReady } from "./endpoint-counts.ts";
import { isNamed, tcpPortOf, tcpTargetsOf } from "./service-ports.ts";

/**
 * Ready endpoints of a TCP port of a Service; empty when there is none, or no such port.
 *
 * @param slices of the Service
 * @param pod the pod that is meant, by its name in DNS; undefined for all of them
 */
export function readyAddresses(
  service: Service,
  slices: readonly EndpointSlice[],
  port: number,
  pod: string | undefined,
): EndpointAddress[] {
  const servicePort = tcpPortOf(service, port);
  if (servicePort === undefined) return [];
  return slices.flatMap((slice) => {
    const target = tcpTargetsOf(slice).get(servicePort.name ?? "");
    if (target === undefined) return [];
    return (slice.endpoints ?? []).filter(isReady).flatMap((endpoint) => {
      const addresses = pod === undefined ? endpoint.addresses : endpoint.addresses.filter((address) => isNamed(endpoint, address, pod));
      return addresses.map((address) => ({ address, port: target }));
    });
  });
}

/** Ports that the pods of a Service listen on behind a TCP port of it; none that nobody knows. */
export function podPorts(service: Service, slices: readonly EndpointSlice[], port: number): readonly number[] {
  const servicePort = tcpPortOf(service, port);
  if (servicePort === undefined) return [];
  const { targetPort = port, name = "" } = servicePort;
  if (typeof targetPort === "number") return [targetPort];
  // A name may be another port in each pod.
  return [...new Set(slices.flatMap((slice) => tcpTargetsOf(slice).get(name) ?? []))];
}
