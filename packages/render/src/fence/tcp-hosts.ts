import type { Service, ServiceFence } from "@fenceline/api";
import type { ServiceLookup } from "@fenceline/registry";
import { boundedHosts, type SharedHost, sharedHost } from "./bounded-hosts.ts";

/** The list is the same for every fence, and has thousands of entries in a large mesh. */
const known = new WeakMap<readonly Service[], readonly SharedHost[]>();

/** Hosts that a fence in this mode shows because connections to them cannot be redirected. */
export function tcpHosts(mode: ServiceFence["spec"]["tcp"], registry: ServiceLookup): readonly SharedHost[] {
  const services = registry.tcpServices()[mode];
  const hosts = known.get(services) ?? hostsOf(services, registry);
  known.set(services, hosts);
  return hosts;
}

/**
 * Where there are too many, a namespace is shown by a wildcard of its Services. `<namespace>/*`
 * would also import every VirtualService of that namespace, even for the hosts of others.
 */
function hostsOf(services: readonly Service[], registry: ServiceLookup): readonly SharedHost[] {
  const hosts = services.map((service) => ({ namespace: service.metadata.namespace, host: registry.hostOf(service) }));
  const bounded = boundedHosts(hosts, (namespace) => `*.${namespace}.svc.${registry.clusterDomain}`);
  return bounded.map((host) => sharedHost("tcp", host));
}
