import type { VirtualService } from "@fenceline/api";
import { compareText, type ObjectChange } from "@fenceline/api/vocabulary";
import { fullHost, isHost, isWildcard } from "./host-pattern.ts";
import { PatternIndex } from "./pattern-index.ts";
import { isVisibleTo, type Visibility, visibilityOf } from "./visibility.ts";

/** A VirtualService that is in force for calls to some host. */
export interface HostRoutes {
  /** Namespace from which a Sidecar must import the host. */
  readonly namespace: string;
  /** Every host to which it may send the calls, in lower case and in full. */
  readonly destinations: readonly string[];
}

/** A host of a VirtualService. */
export interface RoutedHost {
  readonly namespace: string;
  /** In lower case and in full. It may be a wildcard. */
  readonly host: string;
}

/** Which calls a change of a VirtualService affects: to these hosts, by those who see it. */
export interface TouchedRoutes {
  readonly hosts: readonly string[];
  readonly visibility: Visibility;
}

interface Known {
  readonly service: VirtualService;
  readonly visibility: Visibility;
  /** Hosts of calls within the mesh. None for gateways alone, or where others delegate to it. */
  readonly hosts: readonly string[];
}

/** Those of one namespace for one host. Istiod uses the oldest, and ignores the others. */
interface Rivals {
  readonly members: Set<Known>;
}

/**
 * Most VirtualServices of one namespace for one host that a namespace sees. If there are more, none
 * counts: anybody may make thousands for all hosts, and a look-up goes through each.
 */
const MOST_RIVALS = 20;

/** A route without `gateways` is also for this one: calls between sidecars. */
const MESH_GATEWAY = "mesh";

/**
 * Which VirtualServices are in force for calls from a namespace to a host. A change costs a look at
 * the VirtualService that changed, and at those that delegate to it.
 */
export class VirtualServiceIndex {
  readonly #clusterDomain: string;
  readonly #known = new Map<string, Known>();
  readonly #hosts = new PatternIndex<Rivals>();
  /** By host and namespace. */
  readonly #rivals = new Map<string, Rivals>();
  /** VirtualServices that delegate to one, by its name. */
  readonly #delegators = new Map<string, Set<Known>>();
  /** By namespace; made since the last change. */
  readonly #lists = new Map<string, readonly RoutedHost[]>();
  /** Since the last change. One may name thousands of hosts, each of which asks for it again. */
  readonly #destinations = new Map<Known, readonly string[]>();
  readonly #isService: (host: string) => boolean;
  #defaults: readonly string[] = [];

  /** @param isService whether an exact host is a Service's; tell {@link servicesChanged} */
  constructor(clusterDomain: string, isService: (host: string) => boolean) {
    this.#clusterDomain = clusterDomain;
    this.#isService = isService;
  }

  get size(): number {
    return this.#known.size;
  }

  /** @param defaults the `exportTo` of those that have none */
  configure(defaults: readonly string[]): void {
    const services = [...this.#known.values()].map(({ service }) => service);
    for (const service of services) this.changed({ before: service, after: undefined });
    this.#defaults = defaults;
    for (const service of services) this.changed({ before: undefined, after: service });
  }

  changed({ before, after }: ObjectChange<VirtualService>): void {
    const object = after ?? before;
    if (object === undefined) return;
    const key = nameOf(object.metadata);
    const known = this.#known.get(key);
    if (known?.service === after) return;
    if (known !== undefined) this.#remove(key, known);
    if (after !== undefined) this.#add(key, after);
    this.#lists.clear();
    this.#destinations.clear();
  }

  /** Some host became a Service's, or is one no more. */
  servicesChanged(): void {
    this.#lists.clear();
  }

  /** Whether a VirtualService is for exactly this host. */
  has(host: string): boolean {
    return this.#hosts.has(host);
  }

  /** Those in force for calls from a namespace to a host, ordered by namespace and name. */
  matching(host: string, namespace: string): readonly HostRoutes[] {
    const seen = [...this.#hosts.matching(host)].flatMap(({ members }) => visibleOf(members, namespace));
    return [...new Set(seen)]
      .sort(byName)
      .map((known) => ({ namespace: known.service.metadata.namespace, destinations: this.#knownDestinations(known) }));
  }

  /**
   * Every host that a namespace sees and that is no Service's, each once, ordered by namespace and
   * host. A wildcard that includes Services is left out: whoever imports it would import them.
   */
  visibleTo(namespace: string): readonly RoutedHost[] {
    const list = this.#lists.get(namespace) ?? this.#listFor(namespace);
    this.#lists.set(namespace, list);
    return list;
  }

  #listFor(namespace: string): readonly RoutedHost[] {
    const hosts = new Map<string, RoutedHost>();
    for (const { service, visibility, hosts: own } of this.#known.values()) {
      if (!isVisibleTo(visibility, namespace)) continue;
      for (const host of own)
        if (!this.#isOfServices(host)) hosts.set(`${service.metadata.namespace}/${host}`, { namespace: service.metadata.namespace, host });
    }
    return [...hosts.keys()].sort(compareText).flatMap((name) => hosts.get(name) ?? []);
  }

  /**
   * The calls that a VirtualService affects, as it is on one side of a change. One that others
   * delegate to affects their calls.
   */
  touchedBy(service: VirtualService): readonly TouchedRoutes[] {
    const own = { hosts: this.#hostsOf(service), visibility: this.#visibilityOf(service) };
    return [own, ...(this.#delegators.get(nameOf(service.metadata)) ?? [])].filter(({ hosts }) => hosts.length > 0);
  }

  #knownDestinations(known: Known): readonly string[] {
    const destinations = this.#destinations.get(known) ?? this.#destinationsOf(known);
    this.#destinations.set(known, destinations);
    return destinations;
  }

  /** Its own destinations, and those of what it delegates to: one level, as in Istio. */
  #destinationsOf({ service }: Known): readonly string[] {
    const { metadata, spec } = service;
    const delegates = spec.delegates.flatMap(({ name, namespace }) => {
      const delegate = this.#known.get(nameOf({ namespace: namespace || metadata.namespace, name }));
      const isDelegate = delegate !== undefined && delegate.service.spec.hosts.length === 0;
      return isDelegate && isVisibleTo(delegate.visibility, metadata.namespace) ? [delegate.service] : [];
    });
    const all = [service, ...delegates].flatMap((each) => each.spec.destinations.map((host) => this.#full(host, each)));
    return [...new Set(all)].filter(isHost);
  }

  #isOfServices(host: string): boolean {
    if (!isWildcard(host)) return this.#isService(host);
    const services = `.svc.${this.#clusterDomain}`;
    return services.endsWith(host.slice(1)) || host.endsWith(services);
  }

  #hostsOf(service: VirtualService): readonly string[] {
    const { hosts, gateways } = service.spec;
    const isForMesh = gateways.length === 0 || gateways.includes(MESH_GATEWAY);
    return isForMesh ? hosts.map((host) => this.#full(host, service)).filter(isHost) : [];
  }

  #visibilityOf({ spec, metadata }: VirtualService): Visibility {
    return visibilityOf(spec.exportTo, metadata.namespace, this.#defaults);
  }

  #full(host: string, { metadata }: VirtualService): string {
    return fullHost(host, metadata.namespace, this.#clusterDomain);
  }

  #add(key: string, service: VirtualService): void {
    const known = { service, visibility: this.#visibilityOf(service), hosts: this.#hostsOf(service) };
    this.#known.set(key, known);
    for (const host of known.hosts) this.#addRival(host, known);
    for (const delegate of delegatesOf(service)) this.#delegators.set(delegate, (this.#delegators.get(delegate) ?? new Set()).add(known));
  }

  #addRival(host: string, known: Known): void {
    const { namespace } = known.service.metadata;
    const rivals = this.#rivals.get(`${namespace}/${host}`) ?? { members: new Set<Known>() };
    rivals.members.add(known);
    this.#rivals.set(`${namespace}/${host}`, rivals);
    this.#hosts.add(host, rivals);
  }

  #removeRival(host: string, known: Known): void {
    const key = `${known.service.metadata.namespace}/${host}`;
    const rivals = this.#rivals.get(key);
    rivals?.members.delete(known);
    if (rivals === undefined || rivals.members.size > 0) return;
    this.#rivals.delete(key);
    this.#hosts.delete(host, rivals);
  }

  #remove(key: string, known: Known): void {
    this.#known.delete(key);
    for (const host of known.hosts) this.#removeRival(host, known);
    for (const delegate of delegatesOf(known.service)) {
      this.#delegators.get(delegate)?.delete(known);
      if (this.#delegators.get(delegate)?.size === 0) this.#delegators.delete(delegate);
    }
  }
}

/** Those that the namespace sees; none where there are too many. */
function visibleOf(members: ReadonlySet<Known>, namespace: string): readonly Known[] {
  const seen: Known[] = [];
  for (const known of members) {
    if (!isVisibleTo(known.visibility, namespace)) continue;
    if (seen.length === MOST_RIVALS) return [];
    seen.push(known);
  }
  return seen;
}

function delegatesOf({ metadata, spec }: VirtualService): readonly string[] {
  return spec.delegates.map(({ name, namespace }) => nameOf({ namespace: namespace || metadata.namespace, name }));
}

function nameOf({ namespace, name }: Pick<VirtualService["metadata"], "namespace" | "name">): string {
  return `${namespace}/${name}`;
}

function byName({ service: one }: Known, { service: other }: Known): number {
  return compareText(nameOf(one.metadata), nameOf(other.metadata));
}
