import type { EndpointSlice, Service } from "@fenceline/api";
import type { EndpointAddress } from "./destination.ts";
import { isReady } from "./endpoint-counts.ts";
import { isNamed, tcpPortOf, tcpTargetsOf } from "./service-ports.ts";

/**
 * Ready endpoints of a TCP port of a Service; empty when there is none, or no such port.
 *
 * @param slices of the Service
 * @param pod name of the pod in DNS; undefined for all pods
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

/** Ports on which a Service's pods listen behind a TCP port; empty when none is known. */
export function podPorts(service: Service, slices: readonly EndpointSlice[], port: number): readonly number[] {
  const servicePort = tcpPortOf(service, port);
  if (servicePort === undefined) return [];
  const { targetPort = port, name = "" } = servicePort;
  if (typeof targetPort === "number") return [targetPort];
  // A named port may have another number in each pod.
  return [...new Set(slices.flatMap((slice) => tcpTargetsOf(slice).get(name) ?? []))];
}

/** Names of the pods behind ready endpoints, each once, ordered. */
export function readyPods(slices: readonly EndpointSlice[]): readonly string[] {
  const endpoints = slices.flatMap((slice) => (slice.endpoints ?? []).filter(isReady));
  return [...new Set(endpoints.flatMap(({ targetRef }) => (targetRef?.kind === "Pod" ? (targetRef.name ?? []) : [])))].sort();
}
