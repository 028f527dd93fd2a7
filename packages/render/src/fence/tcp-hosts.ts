import type { Service, ServiceFence } from "@fenceline/api";
import type { ServiceLookup } from "@fenceline/registry";

/**
 * Most hosts that every fence shows one by one because they are TCP. Each stands in the Sidecar of
 * every fence of the mesh, and whoever may make Services may make thousands.
 */
const MOST_TCP_HOSTS = 1_000;

/** A host that a fence shows because connections to it cannot be redirected. */
interface TcpHost {
  readonly egress: string;
  readonly host: string;
  readonly source: "tcp";
  readonly expired: false;
}

/** The same for every fence, and thousands in a large mesh. */
const known = new WeakMap<readonly Service[], readonly TcpHost[]>();

/** Those that a fence in this mode shows. */
export function tcpHosts(mode: ServiceFence["spec"]["tcp"], registry: ServiceLookup): readonly TcpHost[] {
  const services = registry.tcpServices()[mode];
  const hosts = known.get(services) ?? bounded(services, registry);
  known.set(services, hosts);
  return hosts;
}

/**
 * Beyond the most there may be, the namespaces with the most services are shown by one wildcard
 * each, and nobody else notices. Not by `<namespace>/*`, which would bring every VirtualService of
 * that namespace along, also one for the hosts of others.
 */
function bounded(services: readonly Service[], registry: ServiceLookup): readonly TcpHost[] {
  const one = (service: Service) => shown(service.metadata.namespace, registry.hostOf(service));
  if (services.length <= MOST_TCP_HOSTS) return services.map(one);
  const byNamespace = [...Map.groupBy(services, ({ metadata }) => metadata.namespace)];
  byNamespace.sort(([first, { length: a }], [second, { length: b }]) => b - a || (first < second ? -1 : 1));
  let left = services.length;
  return byNamespace.flatMap(([namespace, own]) => {
    if (left <= MOST_TCP_HOSTS || own.length === 1) return own.map(one);
    left -= own.length - 1;
    return shown(namespace, `*.${namespace}.svc.${registry.clusterDomain}`);
  });
}

function shown(namespace: string, host: string): TcpHost {
  return { egress: `${namespace}/${host}`, host, source: "tcp", expired: false };
}
