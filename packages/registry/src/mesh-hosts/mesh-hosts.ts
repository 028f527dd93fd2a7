import type { DestinationRule, GatewayRoute, ServiceEntry, VirtualService } from "@fenceline/api";
import { allNew, type ObjectChange } from "@fenceline/api/vocabulary";
import { asVirtualServices } from "./gateway-routes.ts";
import { type CalledEntry, type EntryHost, ServiceEntryIndex } from "./service-entry-index.ts";
import { type HostRoutes, type RoutedHost, type TouchedRoutes, VirtualServiceIndex } from "./virtual-service-index.ts";
import type { Visibility } from "./visibility.ts";

/** What {@link MeshHosts} are made from. */
export interface MeshHostsSnapshot {
  readonly serviceEntries?: readonly ServiceEntry[];
  readonly virtualServices?: readonly VirtualService[];
  /** Routes of the Gateway API. */
  readonly gatewayRoutes?: readonly GatewayRoute[];
  readonly destinationRules?: readonly DestinationRule[];
  /** Cluster domain. Default `cluster.local`. */
  readonly clusterDomain?: string;
  /**
   * Whether an exact host is a Service's. When Services come or go, tell it by {@link
   * MeshHostsChanges.services}. Default: none is.
   */
  readonly isService?: (host: string) => boolean;
  readonly defaults?: ExportDefaults;
}

/** What changed of the objects that {@link MeshHosts} are made from. */
export interface MeshHostsChanges {
  readonly serviceEntries?: readonly ObjectChange<ServiceEntry>[];
  readonly virtualServices?: readonly ObjectChange<VirtualService>[];
  readonly gatewayRoutes?: readonly ObjectChange<GatewayRoute>[];
  readonly destinationRules?: readonly ObjectChange<DestinationRule>[];
  /** Hosts of Services that came or went. `isService` has to know of them before. */
  readonly services?: readonly string[];
}

/** Changes of objects that say where calls are sent. */
export type RouteChanges = Pick<MeshHostsChanges, "virtualServices" | "gatewayRoutes">;

/** Who sees objects without `exportTo`, by MeshConfig. An empty list is everybody. */
export interface ExportDefaults {
  readonly serviceEntries: readonly string[];
  readonly virtualServices: readonly string[];
}

/** The questions whose answers are recorded, so that a change of one can be told. */
export type MeshHostLookup = Pick<
  MeshHosts,
  "version" | "entriesVisibleTo" | "entriesFor" | "routesVisibleTo" | "routesFor" | "unrecorded"
>;

/**
 * Hosts that are no Services, and routes that others wrote: what ServiceEntries and VirtualServices
 * say of a host that a namespace calls. It is updated with each change, and then gives the same
 * answers as one that is made anew.
 */
export class MeshHosts {
  readonly #entries: ServiceEntryIndex;
  readonly #routes: VirtualServiceIndex;
  readonly #clusterDomain: string;
  #version = 0;

  constructor(snapshot: MeshHostsSnapshot = {}) {
    const {
      serviceEntries,
      virtualServices,
      gatewayRoutes,
      destinationRules,
      clusterDomain = "cluster.local",
      isService,
      defaults,
    } = snapshot;
    this.#clusterDomain = clusterDomain;
    this.#entries = new ServiceEntryIndex(clusterDomain);
    this.#routes = new VirtualServiceIndex(clusterDomain, isService ?? (() => false));
    if (defaults !== undefined) this.configure(defaults);
    this.apply({
      serviceEntries: allNew(serviceEntries),
      virtualServices: allNew(virtualServices),
      gatewayRoutes: allNew(gatewayRoutes),
      destinationRules: allNew(destinationRules),
    });
  }

  /** A number that is different after each change. */
  get version(): number {
    return this.#version;
  }

  /** Takes over what MeshConfig says of objects without `exportTo`. */
  configure(defaults: ExportDefaults): void {
    this.#version += 1;
    this.#entries.configure(defaults.serviceEntries);
    this.#routes.configure(defaults.virtualServices);
  }

  /** Takes over what changed. A change that it has already does nothing. */
  apply({ serviceEntries = [], destinationRules = [], services = [], ...routes }: MeshHostsChanges): void {
    const changedRoutes = this.#routeChanges(routes);
    if (serviceEntries.length + changedRoutes.length + destinationRules.length > 0) this.#version += 1;
    if (services.some((host) => this.#routes.has(host))) this.#routes.servicesChanged();
    for (const change of destinationRules) this.#entries.ruleChanged(change);
    for (const change of serviceEntries) this.#entries.changed(change);
    for (const change of changedRoutes) this.#routes.changed(change);
  }

  /** Every host of a ServiceEntry that a namespace sees, ordered by namespace and host. */
  entriesVisibleTo(namespace: string): readonly EntryHost[] {
    return this.#entries.visibleTo(namespace);
  }

  /** Those of {@link entriesVisibleTo} that equal the host, include it, or are included by it. */
  entriesFor(host: string, namespace: string): readonly EntryHost[] {
    return this.#entries.matching(host, namespace);
  }

  /** See {@link ServiceEntryIndex.named}. */
  entryNamed(host: string, port: number, namespace?: string): CalledEntry | undefined {
    return this.#entries.named(host, port, namespace);
  }

  /** Hosts of VirtualServices that are in force for a namespace, except those of Services. */
  routesVisibleTo(namespace: string): readonly RoutedHost[] {
    return this.#routes.size === 0 ? NO_ROUTES : this.#routes.visibleTo(namespace);
  }

  /** VirtualServices that are in force for calls from a namespace to a host. */
  routesFor(host: string, namespace: string): readonly HostRoutes[] {
    return this.#routes.size === 0 ? [] : this.#routes.matching(host, namespace);
  }

  /** For what is computed once for many callers: each of them records itself what it depends on. */
  get unrecorded(): MeshHostLookup {
    return this;
  }

  /** Whether a VirtualService is for exactly this host. */
  isRouted(host: string): boolean {
    return this.#routes.has(host);
  }

  /** Whether a ServiceEntry has the host, includes it, or is included by it. */
  hasEntry(host: string): boolean {
    return this.#entries.has(host);
  }

  /** Hosts of VirtualServices and routes that changed, before and after, and who sees them. */
  touchedRoutes(changes: RouteChanges): readonly TouchedRoutes[] {
    return sides(this.#routeChanges(changes)).flatMap((service) => this.#routes.touchedBy(service));
  }

  #routeChanges({ virtualServices = [], gatewayRoutes = [] }: RouteChanges): readonly ObjectChange<VirtualService>[] {
    return [...virtualServices, ...asVirtualServices(gatewayRoutes, this.#clusterDomain)];
  }

  /** Hosts of ServiceEntries that changed, before and after, and who sees them. */
  touchedEntries(
    changes: readonly ObjectChange<ServiceEntry>[],
  ): readonly { readonly hosts: readonly string[]; readonly visibility: Visibility }[] {
    return sides(changes).map((entry) => ({
      hosts: entry.spec.hosts.map((host) => host.toLowerCase()),
      visibility: this.#entries.visibilityOf(entry),
    }));
  }
}

/** Always the same list, so that what is computed from it is computed once. */
const NO_ROUTES: readonly RoutedHost[] = [];

function sides<O>(changes: readonly ObjectChange<O>[]): readonly O[] {
  return changes.flatMap(({ before, after }) => [before, after]).filter((side) => side !== undefined);
}
