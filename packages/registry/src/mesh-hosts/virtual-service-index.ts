import type { VirtualService } from "@fenceline/api";
import { compareText, type ObjectChange } from "@fenceline/api/vocabulary";
import { fullHost, isHost, isWildcard } from "./host-pattern.ts";
import { PatternIndex } from "./pattern-index.ts";
import { isVisibleTo, type Visibility, visibilityOf } from "./visibility.ts";

/** A VirtualService that is in force for calls to some host. */
export interface HostRoutes {
  /** A Sidecar must import the host from it. */
  readonly namespace: string;
  /** Every host that it may send the calls to, in lower case and in full. */
  readonly destinations: readonly string[];
}

/** A host of a VirtualService. */
export interface RoutedHost {
  readonly namespace: string;
  /** In lower case and in full. It may be a wildcard. */
  readonly host: string;
}

/** Whom a change of a VirtualService concerns: callers of these hosts who see it. */
export interface TouchedRoutes {
  readonly hosts: readonly string[];
  readonly visibility: Visibility;
}

interface Known {
  readonly service: VirtualService;
  readonly visibility: Visibility;
  /** Of calls within the mesh: none where it is for gateways alone, or others delegate to it. */
  readonly hosts: readonly string[];
}

/** Those of one namespace for one host. Istiod takes the oldest, and ignores the others. */
interface Rivals {
  readonly members: Set<Known>;
}

/**
 * Most of one namespace, for one host, that somebody sees. Where there are more, none has a say:
 * anybody may make thousands for all hosts of everybody, each of which a look-up would go through.
 */
const MOST_RIVALS = 20;

/** What a route without `gateways` is for, too: calls between sidecars. */
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
  /** Those that delegate to one, by its name. */
  readonly #delegators = new Map<string, Set<Known>>();
  /** By namespace, since the last change. */
  readonly #lists = new Map<string, readonly RoutedHost[]>();
  /** Since the last change. One may name thousands, each of which asks for it anew. */
  readonly #destinations = new Map<Known, readonly string[]>();
  readonly #isService: (host: string) => boolean;
  #defaults: readonly string[] = [];

  /** @param isService whether an exact host is a Service's; say when that changes */
  constructor(clusterDomain: string, isService: (host: string) => boolean) {
    this.#clusterDomain = clusterDomain;
    this.#isService = isService;
  }

  get size(): number {
    return this.#known.size;
  }

  /** @param defaults what counts for those without `exportTo` */
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

  /** Some host became one of a Service, or is none any more. */
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
   * Of those that a namespace sees every host that is no Service's, each once, ordered by namespace
   * and host. Not a wildcard that includes Services: whoever imports it imports these.
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
   * Whose calls a VirtualService has a say in, as one side of a change has it. One that others
   * delegate to has its say in theirs.
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

  /** Its own, and those of what it delegates to: one level, as in Istio. */
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

/** Few, or none where they are too many. */
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
