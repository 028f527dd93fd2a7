import { DESTINATION_RULE, GATEWAY_ROUTE_KINDS, type GatewayRoute, SERVICE, SERVICE_ENTRY, VIRTUAL_SERVICE } from "@fenceline/api";
import {
  EVERYBODY,
  fullHost,
  isWildcard,
  type MeshHosts,
  type Registry,
  type RouteChanges,
  showsEverywhere,
  type Visibility,
} from "@fenceline/registry";
import type { MeshChanges } from "@fenceline/store";

/** Hosts of a ServiceEntry or VirtualService that changed, before or after the change. */
export interface TouchedHosts {
  readonly hosts: readonly string[];
  readonly visibility: Visibility;
  /** Whether every fence that sees it may show other hosts than before, whatever it has learned. */
  readonly isShared: boolean;
}

/** The input of {@link touchedHosts}, after the changes are taken over. */
export interface TouchedHostsInput {
  readonly meshHosts: MeshHosts;
  readonly registry: Registry;
  /** Namespaces that every fence shows: Istio's and ours. */
  readonly shown: ReadonlySet<string>;
}

/** Changes of VirtualServices, and of routes of the Gateway API. */
export function routeChanges(changes: Pick<MeshChanges, "of">): RouteChanges {
  return {
    virtualServices: changes.of(VIRTUAL_SERVICE),
    gatewayRoutes: GATEWAY_ROUTE_KINDS.flatMap((kind) => changes.of<GatewayRoute>(kind)),
  };
}

/** Which hosts of ServiceEntries and VirtualServices have changed, and who sees them. */
export function touchedHosts(changes: Pick<MeshChanges, "of">, input: TouchedHostsInput): readonly TouchedHosts[] {
  const { meshHosts } = input;
  const routes = meshHosts.touchedRoutes(routeChanges(changes));
  return [
    ...meshHosts.touchedEntries(changes.of(SERVICE_ENTRY)).map((touched) => ({ ...touched, isShared: true })),
    ...routes.map((touched) => ({ ...touched, isShared: touched.hosts.some((host) => isOfShared(host, input)) })),
    ...routedServices(changes, input),
    ...tlsHosts(changes, input),
  ];
}

/** A host of a ServiceEntry may be learned or not, depending on who begins TLS for it. */
function tlsHosts(changes: Pick<MeshChanges, "of">, { meshHosts, registry }: TouchedHostsInput): readonly TouchedHosts[] {
  const rules = changes.of(DESTINATION_RULE).flatMap(({ before, after }) => [before, after]);
  const hosts = rules.flatMap((rule) =>
    rule?.spec.hasClientTls === true ? [fullHost(rule.spec.host, rule.metadata.namespace, registry.clusterDomain)] : [],
  );
  return hosts.filter((host) => meshHosts.hasEntry(host)).map((host) => ({ hosts: [host], visibility: EVERYBODY, isShared: true }));
}

/** Whether fences show the host without having called it. */
function isOfShared(host: string, { registry, shown }: TouchedHostsInput): boolean {
  const service = isWildcard(host) ? undefined : registry.resolveHost(host);
  return service === undefined || shown.has(service.metadata.namespace) || showsEverywhere(service);
}

/** A host of a VirtualService that became a Service's, or is one no more. */
function routedServices(changes: Pick<MeshChanges, "of">, { meshHosts, registry }: TouchedHostsInput): readonly TouchedHosts[] {
  return changes.of(SERVICE).flatMap(({ before, after }) => {
    const service = before === undefined ? after : after === undefined ? before : undefined;
    const host = service === undefined ? "" : registry.hostOf(service);
    return meshHosts.isRouted(host) ? [{ hosts: [host], visibility: EVERYBODY, isShared: true }] : [];
  });
}
