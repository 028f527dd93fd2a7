/** Ports and pods of a Service as a client of a TCP connection finds them. */
import type { Endpoint, EndpointSlice, Service, ServicePort } from "@fenceline/api";

/**
 * The TCP ports of a Service. The same number may be used again for UDP, with other ports of the
 * pods behind it, as DNS does. Envoy and the global sidecar open TCP connections only.
 */
export function tcpPortsOf({ spec }: Service): readonly ServicePort[] {
  const { ports } = spec;
  return ports.every(isTcp) ? ports : ports.filter(isTcp);
}

/** The TCP port of a Service that has this number. */
export function tcpPortOf({ spec }: Service, port: number): ServicePort | undefined {
  return spec.ports.find((candidate) => candidate.port === port && isTcp(candidate));
}

/** Ports on which the pods of a slice listen for TCP, by the name of the Service's port. */
export function tcpTargetsOf({ ports }: EndpointSlice): ReadonlyMap<string, number> {
  const targets = new Map<string, number>();
  for (const { name, port, protocol } of ports ?? []) {
    const key = name ?? "";
    if (port !== undefined && port !== null && isTcp({ protocol }) && !targets.has(key)) targets.set(key, port);
  }
  return targets;
}

/**
 * A Service without a ClusterIP: its name stands for its pods, and each pod has a name of its own.
 */
export function isHeadless({ spec }: Service): boolean {
  return spec.clusterIP === "None";
}

/**
 * Whether cluster DNS knows an address of an endpoint as `<pod>.<service>`: by the endpoint's
 * hostname, else by the address with dashes (Kubernetes' DNS specification, §2.4.1).
 *
 * @param pod lower case
 */
export function isNamed({ hostname }: Endpoint, address: string, pod: string): boolean {
  const name = hostname == null || hostname === "" ? address.replaceAll(/[.:]/g, "-") : hostname;
  return name.toLowerCase() === pod;
}

/** Without a protocol, a slice means TCP. */
function isTcp({ protocol }: { readonly protocol?: string | null | undefined }): boolean {
  return (protocol ?? "TCP") === "TCP";
}
