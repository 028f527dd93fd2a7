import type { EndpointSlice, Labels, Service } from "@fenceline/api";
import { allNew, compareText, type ObjectChange, objectOf, SERVICE_NAME_LABEL } from "@fenceline/api/vocabulary";
import { type AddressHint, AddressIndex } from "./address-index.ts";
import type { Destination, EndpointAddress } from "./destination.ts";
import { EndpointCounts } from "./endpoint-counts.ts";
import { placeIn } from "./place-in.ts";
import { podPorts, readyAddresses, readyPods } from "./service-endpoints.ts";
import { type NamedService, serviceNamed, serviceNames } from "./service-names.ts";
import { isHeadless, tcpPortOf, tcpPortsOf, tcpTargetsOf } from "./service-ports.ts";
import { ServicesByLabel } from "./services-by-label.ts";
import { type TcpLists, TcpServices } from "./tcp-services.ts";

/** What a {@link Registry} is made from: a consistent view of the objects. */
export interface RegistrySnapshot {
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  /** Cluster domain. Default `cluster.local`. */
  readonly clusterDomain?: string;
}

/** What changed of the objects that a {@link Registry} is made from. */
export interface RegistryChanges {
  readonly services?: readonly ObjectChange<Service>[];
  readonly endpointSlices?: readonly ObjectChange<EndpointSlice>[];
}

/** A Service and its slices, by name. Either may arrive before the other. */
interface Entry {
  service: Service | undefined;
  slices: readonly EndpointSlice[];
}

/** The Services of one namespace. */
interface NamespaceEntries {
  readonly entries: Map<string, Entry>;
  /** By name; made since the last change. */
  ordered: readonly Service[] | undefined;
}

/**
 * What exists in the mesh, and how a caller may name it. A change costs a look at the Service or
 * the slice that changed.
 *
 * Only what is in the registry can become an edge. So what exists bounds what is learned, whatever
 * hosts a client invents.
 */
export class Registry {
  readonly clusterDomain: string;
  readonly #namespaces = new Map<string, NamespaceEntries>();
  /** The name of each slice's Service, by `<namespace>/<slice>`. */
  readonly #homes = new Map<string, string>();
  #ordered: readonly Service[] | undefined;
  #addresses: AddressIndex | undefined;
  #endpointCounts: EndpointCounts | undefined;
  #tcp: TcpServices | undefined;
  #byLabel: ServicesByLabel | undefined;
  #version = 0;

  constructor({ services, endpointSlices, clusterDomain = "cluster.local" }: RegistrySnapshot) {
    this.clusterDomain = clusterDomain;
    this.apply({ services: allNew(services), endpointSlices: allNew(endpointSlices) });
  }

  /** A number that is different after each change. */
  get version(): number {
    return this.#version;
  }

  /**
   * Takes over what changed. A change that it has already does nothing, so a change may come in a
   * snapshot and once more by itself.
   */
  apply({ services = [], endpointSlices = [] }: RegistryChanges): void {
    for (const change of services) this.#serviceChanged(change);
    for (const change of endpointSlices) this.#sliceChanged(change);
  }

  /** Every Service, ordered by namespace and name. */
  services(): readonly Service[] {
    this.#ordered ??= [...this.#namespaces.keys()].sort(compareText).flatMap((namespace) => this.servicesIn(namespace));
    return this.#ordered;
  }

  /** The Services of a namespace, ordered by name. */
  servicesIn(namespace: string): readonly Service[] {
    const known = this.#namespaces.get(namespace);
    if (known === undefined) return [];
    known.ordered ??= [...known.entries.values()].flatMap(({ service }) => service ?? []).sort(byName);
    return known.ordered;
  }

  /** The Services of a namespace that select pods with these labels, ordered by name. */
  servicesOfPods(namespace: string, labels: Labels): readonly Service[] {
    if (this.#byLabel === undefined) {
      this.#byLabel = new ServicesByLabel();
      for (const service of this.services()) this.#byLabel.changed(undefined, service);
    }
    return this.#byLabel.of(namespace, labels);
  }

  service(namespace: string, name: string): Service | undefined {
    return this.#namespaces.get(namespace)?.entries.get(name)?.service;
  }

  /** `b.test1.svc.cluster.local` */
  hostOf({ metadata: { name, namespace } }: Service): string {
    return `${name}.${namespace}.svc.${this.clusterDomain}`;
  }

  /**
   * The namespace in a fully qualified Service name, whether or not the Service exists; undefined
   * for any other host.
   */
  namespaceOf(host: string): string | undefined {
    const ending = `.svc.${this.clusterDomain}`;
    const labels = host.endsWith(ending) ? host.slice(0, -ending.length).split(".") : [];
    return labels.length >= 2 ? labels.at(-1) : undefined;
  }

  /**
   * The Service that a caller in `callerNamespace` reaches under `host`, following the search path
   * of a pod's resolv.conf: `<namespace>.svc.<domain>`, `svc.<domain>`, `<domain>`, then the name
   * as it stands.
   *
   * A pod of a headless Service (`web-0.web.shop.svc.cluster.local`) is reached through its
   * Service.
   *
   * @param host lower case, without trailing dot, as `parseAuthority` gives it
   */
  resolveHost(host: string, callerNamespace?: string): Service | undefined {
    return this.resolve(host, callerNamespace)?.service;
  }

  /** Like {@link resolveHost}, but also tells which pod of the Service the host names, if any. */
  resolve(host: string, callerNamespace?: string): NamedService | undefined {
    return serviceNamed(serviceNames(host, this.clusterDomain, callerNamespace), (namespace, name) => this.service(namespace, name));
  }

  /**
   * The TCP port of a Service that a caller means by a number. Callers of a headless Service dial
   * its pods, so there it may also be a port on which the pods listen.
   */
  portOf(service: Service, port: number): number | undefined {
    if (tcpPortOf(service, port) !== undefined) return port;
    if (!isHeadless(service)) return undefined;
    const targets = this.slicesOf(service).map(tcpTargetsOf);
    return tcpPortsOf(service).find(({ name = "" }) => targets.some((ports) => ports.get(name) === port))?.port;
  }

  /**
   * The Service port behind an address: a ClusterIP with a Service port, or an endpoint with the
   * port on which its pod listens.
   *
   * If endpoints of several Services share address and port, the one that the hint names is chosen.
   * Else it is the first by name of the caller's namespace; else, if all are of one namespace, the
   * first by name. Otherwise undefined: anybody may write an EndpointSlice with any address.
   */
  byAddress(address: string, port: number, hint: AddressHint = {}): Destination | undefined {
    return this.#addressIndex().find(address, port, hint);
  }

  /** Whether Services of several namespaces have this address and port. */
  isContested(address: string, port: number): boolean {
    return this.#addressIndex().isContested(address, port);
  }

  /**
   * Ready endpoints of a TCP port of a Service; empty when there is none, or no such port.
   *
   * @param pod name of the pod in DNS. Default: all pods
   */
  endpointsOf(service: Service, port: number, pod?: string): EndpointAddress[] {
    return readyAddresses(service, this.slicesOf(service), port, pod);
  }

  /** Ports on which a Service's pods listen behind a TCP port; empty when none is known. */
  podPortsOf(service: Service, port: number): readonly number[] {
    return podPorts(service, this.slicesOf(service), port);
  }

  /** How many endpoints of a Service are ready, whether or not the Service exists. */
  readyEndpoints(namespace: string, name: string): number {
    return this.#countEndpoints().of(`${namespace}/${name}`);
  }

  /** Names of the pods behind the ready endpoints of a Service, ordered. */
  readyPodsOf(service: Pick<Service, "metadata">): readonly string[] {
    return readyPods(this.slicesOf(service));
  }

  /**
   * The EndpointSlices of a Service, ordered by name. They also have endpoints that are not ready:
   * a pod that starts up already calls others.
   */
  slicesOf({ metadata: { namespace, name } }: Pick<Service, "metadata">): readonly EndpointSlice[] {
    return this.#namespaces.get(namespace)?.entries.get(name)?.slices ?? [];
  }

  /**
   * Services that every fence shows. The lists stay the same values until their content changes.
   */
  tcpServices(): TcpLists {
    if (this.#tcp === undefined) {
      this.#tcp = new TcpServices();
      for (const service of this.services()) this.#tcp.changed(undefined, service);
    }
    return this.#tcp.lists();
  }

  /** Made on first use: many registries never need it. */
  #addressIndex(): AddressIndex {
    if (this.#addresses !== undefined) return this.#addresses;
    this.#addresses = new AddressIndex();
    for (const service of this.services()) this.#addresses.add(service, this.slicesOf(service), this.hostOf(service));
    return this.#addresses;
  }

  /** Made on first use, like {@link #addressIndex}. */
  #countEndpoints(): EndpointCounts {
    if (this.#endpointCounts !== undefined) return this.#endpointCounts;
    this.#endpointCounts = new EndpointCounts();
    for (const [namespace, { entries }] of this.#namespaces)
      for (const [name, { slices }] of entries) for (const slice of slices) this.#endpointCounts.add(`${namespace}/${name}`, slice);
    return this.#endpointCounts;
  }

  #serviceChanged(change: ObjectChange<Service>): void {
    const { namespace, name } = objectOf(change)?.metadata ?? {};
    const { after } = change;
    if (namespace === undefined || name === undefined) return;
    const known = this.service(namespace, name);
    if (known === after) return;
    const { slices } = this.#change(namespace, name, (entry) => {
      entry.service = after;
    });
    if (known !== undefined) this.#addresses?.remove(known, slices);
    if (after !== undefined) this.#addresses?.add(after, slices, this.hostOf(after));
    this.#tcp?.changed(known, after);
    this.#byLabel?.changed(known, after);
    this.#ordered = undefined;
    const rest = this.#namespaces.get(namespace);
    if (rest !== undefined) rest.ordered = undefined;
  }

  #sliceChanged(change: ObjectChange<EndpointSlice>): void {
    const { namespace, name } = objectOf(change)?.metadata ?? {};
    const { after } = change;
    if (namespace === undefined || name === undefined) return;
    const key = `${namespace}/${name}`;
    const home = this.#homes.get(key);
    const service = after?.metadata.labels[SERVICE_NAME_LABEL];
    if (home === service && (home === undefined || this.#slice(namespace, home, name) === after)) return;
    if (home !== undefined) this.#putSlice(namespace, home, name, undefined);
    if (service === undefined) this.#homes.delete(key);
    else {
      this.#homes.set(key, service);
      this.#putSlice(namespace, service, name, after);
    }
  }

  #slice(namespace: string, service: string, name: string): EndpointSlice | undefined {
    const { slices = [] } = this.#namespaces.get(namespace)?.entries.get(service) ?? {};
    const found = slices[placeOf(slices, name)];
    return found?.metadata.name === name ? found : undefined;
  }

  #putSlice(namespace: string, home: string, name: string, after: EndpointSlice | undefined): void {
    const known = this.#slice(namespace, home, name);
    const { service } = this.#change(namespace, home, (entry) => {
      const added = after === undefined ? [] : [after];
      entry.slices = entry.slices.toSpliced(placeOf(entry.slices, name), known === undefined ? 0 : 1, ...added);
    });
    if (known !== undefined) this.#endpointCounts?.remove(`${namespace}/${home}`, known);
    if (after !== undefined) this.#endpointCounts?.add(`${namespace}/${home}`, after);
    if (service === undefined) return;
    if (known !== undefined) this.#addresses?.removeSlice(service, known);
    if (after !== undefined) this.#addresses?.addSlice(service, after, this.hostOf(service));
  }

  #change(namespace: string, name: string, change: (entry: Entry) => void): Entry {
    const known = this.#namespaces.get(namespace) ?? { entries: new Map<string, Entry>(), ordered: undefined };
    const entry = known.entries.get(name) ?? { service: undefined, slices: [] };
    change(entry);
    this.#version += 1;
    if (entry.service === undefined && entry.slices.length === 0) known.entries.delete(name);
    else known.entries.set(name, entry);
    if (known.entries.size === 0) this.#namespaces.delete(namespace);
    else this.#namespaces.set(namespace, known);
    return entry;
  }
}

function placeOf(slices: readonly EndpointSlice[], name: string): number {
  return placeIn(slices, ({ metadata }) => compareText(metadata.name, name));
}

function byName(a: Service, b: Service): number {
  return compareText(a.metadata.name, b.metadata.name);
}
