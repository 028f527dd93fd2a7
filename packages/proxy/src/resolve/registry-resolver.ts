import type { EndpointAddress, Registry } from "@fenceline/registry";
import { LRUCache } from "lru-cache";
import type { Target } from "../destination/authorize.ts";
import { type Address, type Resolution, type Resolver, toAddress } from "./resolver.ts";

const MAX_TARGETS = 10_000;
/** Stands for "no such service" in the cache, which cannot hold undefined. */
const NO_SUCH_SERVICE: readonly Address[] = [];

/**
 * Resolves by the ready endpoints of a registry (the directory store's), at once.
 *
 * @param snapshot the registry as it is now. A registry never changes, so a new object, and nothing else, empties the cache.
 */
export function createRegistryResolver(snapshot: () => Registry): Resolver {
  const cache = new LRUCache<string, readonly Address[]>({ max: MAX_TARGETS });
  let cachedFor: Registry | undefined;

  return {
    resolve(target: Target): Resolution {
      const registry = snapshot();
      if (registry !== cachedFor) {
        cache.clear();
        cachedFor = registry;
      }
      const key = `${target.host} ${target.port} ${target.namespace ?? ""}`;
      let addresses = cache.get(key);
      if (addresses === undefined) {
        addresses = lookUp(registry, target) ?? NO_SUCH_SERVICE;
        cache.set(key, addresses);
      }
      return addresses === NO_SUCH_SERVICE ? undefined : addresses;
    },
  };
}

function lookUp(registry: Registry, target: Target): Resolution {
  const endpoints = target.kind === "name" ? byName(registry, target) : byAddress(registry, target);
  return endpoints?.map(({ address, port }) => toAddress(address, port));
}

function byName(registry: Registry, { host, port, namespace }: Target): readonly EndpointAddress[] | undefined {
  const service = registry.resolveHost(host, namespace);
  return service === undefined ? undefined : registry.endpointsOf(service, port);
}

/** A ClusterIP stands for the endpoints of its Service; an endpoint's own address for itself alone, as a client that balances by itself means it. */
function byAddress(registry: Registry, { host, port }: Target): readonly EndpointAddress[] | undefined {
  const destination = registry.byAddress(host, port);
  const service = destination === undefined ? undefined : registry.resolveHost(destination.host);
  if (destination === undefined || service === undefined) return undefined;
  const endpoints = registry.endpointsOf(service, destination.port);
  const itself = endpoints.filter((endpoint) => endpoint.address === host && endpoint.port === port);
  return itself.length > 0 ? itself : endpoints;
}
