import type { EndpointAddress, Registry } from "@fenceline/registry";
import type { Target } from "../destination/authorize.ts";
import { type Resolution, type Resolver, toAddress } from "./resolver.ts";

/**
 * Resolves by the ready endpoints of a registry (the directory store's), at once.
 *
 * @param snapshot the registry as it is now. A registry never changes, so a new object, and nothing else, empties what is remembered.
 */
export function createRegistryResolver(snapshot: () => Registry): Resolver {
  // Targets belong to routes, which are remembered within a bound; with the route goes the answer.
  let remembered = new WeakMap<Target, { readonly resolution: Resolution }>();
  let rememberedFor: Registry | undefined;

  return {
    resolve(target: Target): Resolution {
      const registry = snapshot();
      if (registry !== rememberedFor) {
        remembered = new WeakMap();
        rememberedFor = registry;
      }
      let known = remembered.get(target);
      if (known === undefined) {
        known = { resolution: target.external === true ? undefined : lookUp(registry, target) };
        remembered.set(target, known);
      }
      return known.resolution;
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
