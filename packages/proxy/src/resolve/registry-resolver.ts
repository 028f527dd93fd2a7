import type { Service } from "@fenceline/api";
import { canonicalAddress, type EndpointAddress, type Registry } from "@fenceline/registry";
import type { Target } from "./resolver.ts";
import { type Resolution, type Resolver, toAddress } from "./resolver.ts";

/**
 * Resolves by the ready endpoints of a registry (the directory store's), synchronously.
 *
 * @param snapshot the current registry. A new version of it, or another object, empties the cache
 */
export function createRegistryResolver(snapshot: () => Registry): Resolver {
  // Targets belong to routes, of which a limited number is remembered. The answer is dropped with
  // the route.
  let remembered = new WeakMap<Target, { readonly resolution: Resolution }>();
  let rememberedFor: { readonly registry: Registry; readonly version: number } | undefined;

  return {
    resolve(target: Target): Resolution {
      const registry = snapshot();
      const { version } = registry;
      if (registry !== rememberedFor?.registry || version !== rememberedFor.version) {
        remembered = new WeakMap();
        rememberedFor = { registry, version };
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
  const found = target.kind === "name" ? byName(registry, target) : byAddress(registry, target);
  if (found === undefined) return undefined;
  const { name, namespace } = found.service.metadata;
  const service = `${name}.${namespace}:${found.port}`;
  return found.endpoints.map(({ address, port }) => toAddress(address, port, undefined, service));
}

/** Endpoints, and their Service port. */
interface Found {
  readonly service: Service;
  readonly port: number;
  readonly endpoints: readonly EndpointAddress[];
}

/**
 * A Service's name resolves to its endpoints, and the name of a pod of a headless Service to this
 * pod.
 */
function byName(registry: Registry, { host, port, namespace }: Target): Found | undefined {
  const named = registry.resolve(host, namespace);
  if (named === undefined) return undefined;
  const { service, pod } = named;
  const servicePort = registry.portOf(service, port) ?? port;
  return { service, port: servicePort, endpoints: registry.endpointsOf(service, servicePort, pod) };
}

/**
 * A ClusterIP resolves to the endpoints of its Service. An endpoint's own address resolves only to
 * itself, as for clients that balance by themselves. An address that several namespaces have never
 * resolves to others: somebody may have claimed it.
 */
function byAddress(registry: Registry, { host, port, namespace }: Target): Found | undefined {
  const destination = registry.byAddress(host, port, { namespace });
  const service = destination === undefined ? undefined : registry.resolveHost(destination.host);
  if (destination === undefined || service === undefined) return undefined;
  const endpoints = registry.endpointsOf(service, destination.port);
  const itself = endpoints.filter((endpoint) => endpoint.port === port && canonicalAddress(endpoint.address) === host);
  return { service, port: destination.port, endpoints: itself.length > 0 || registry.isContested(host, port) ? itself : endpoints };
}
