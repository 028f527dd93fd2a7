import {
  type Config,
  DESTINATION_RULE,
  ENDPOINT_SLICE,
  type FenceKey,
  GATEWAY_ROUTE_KINDS,
  type GatewayRoute,
  type LabelSelector,
  type Labels,
  labelsDiffer,
  NAMESPACE,
  type Namespace,
  objectOf,
  SERVICE,
  SERVICE_ENTRY,
  SERVICE_FENCE,
  type Service,
  type ServiceFence,
  type SystemConfig,
  trustDomainsOf,
  VIRTUAL_SERVICE,
} from "@fenceline/api";
import { type ControlPlane, type Destination, MeshHosts, ProxyNeeds, Registry, type RequiredHost } from "@fenceline/registry";
import { DomainAliases, type NamespacedHost, workloadLabels } from "@fenceline/render/fence";
import type { MeshChanges, MeshConfig, MeshSnapshot } from "@fenceline/store";
import { FenceCalls } from "./fence-calls.ts";
import { type FenceOfPods, FenceTable } from "./fence-table.ts";
import { type KnownCluster, KnownClusters } from "./known-clusters.ts";
import { controlPlanesOf, exportDefaults, rootNamespacesOf } from "./mesh-config.ts";
import { NamedHosts } from "./named-hosts.ts";
import { policiesIn, policyChanges } from "./proxy-policies.ts";
import { SystemHosts } from "./system-hosts.ts";
import { routeChanges, type TouchedHosts, touchedHosts } from "./touched-hosts.ts";

/** The configuration, together with what is known from the mesh itself. */
export type MeshConfiguration = Config & SystemConfig;

/** What the rest of the collector asks about the mesh. It is updated with each change. */
export class Mesh {
  readonly registry: Registry;
  /** Hosts that are no Services, and routes of others. */
  readonly meshHosts: MeshHosts;
  /** Fully qualified host of the global sidecar. */
  readonly fallbackHost: string;
  /** Fully qualified host of the collector. */
  readonly collectorHost: string;
  /** Trust domains of this mesh. */
  readonly trustDomains: readonly string[];
  /** Hosts that fences show together with others. */
  readonly aliases: DomainAliases;
  /** What policies say about calls. */
  readonly calls: FenceCalls;
  /** What callers name, and the addresses that they dial. */
  readonly named: NamedHosts;
  /** Which pods the fences are for. */
  readonly fencesByPods: Pick<FenceTable, "withoutPods" | "labels">;
  readonly #given: Config;
  readonly #fences: FenceTable;
  readonly #system: SystemHosts;
  readonly #needs: ProxyNeeds;
  readonly #namespaces = new Map<string, Namespace>();
  #discovery: readonly (readonly LabelSelector[])[] = [];
  #config: MeshConfiguration;
  #controlPlanes: readonly ControlPlane[] = [];
  #rootNamespaces: readonly string[] = [];
  readonly #clusters = new KnownClusters();

  constructor(snapshot: MeshSnapshot, config: Config) {
    this.#given = config;
    this.#config = config;
    this.aliases = new DomainAliases(config.domainAliases);
    this.registry = new Registry({
      services: snapshot.of(SERVICE),
      endpointSlices: snapshot.of(ENDPOINT_SLICE),
      clusterDomain: config.clusterDomain,
    });
    this.meshHosts = new MeshHosts({
      serviceEntries: snapshot.of(SERVICE_ENTRY),
      virtualServices: snapshot.of(VIRTUAL_SERVICE),
      gatewayRoutes: GATEWAY_ROUTE_KINDS.flatMap((kind) => snapshot.of<GatewayRoute>(kind)),
      destinationRules: snapshot.of(DESTINATION_RULE),
      clusterDomain: config.clusterDomain,
      isService: (host) => this.registry.resolveHost(host) !== undefined,
    });
    this.#needs = new ProxyNeeds(policiesIn(snapshot));
    this.calls = new FenceCalls(snapshot, this, config.namespace);
    this.#configure(snapshot.meshConfigs);
    this.#system = new SystemHosts(this.registry, [config.istioNamespace, config.namespace]);
    this.named = new NamedHosts(this.registry, this.meshHosts);
    this.trustDomains = trustDomainsOf(config);
    this.fallbackHost = `${config.fallback.service}.${config.namespace}.svc.${config.clusterDomain}`;
    this.collectorHost = `${config.collector.service}.${config.namespace}.svc.${config.clusterDomain}`;
    this.#fences = new FenceTable((fence) => workloadLabels(fence, this.registry, config));
    this.fencesByPods = this.#fences;
    for (const fence of snapshot.of(SERVICE_FENCE)) this.#fences.changed(undefined, fence);
    for (const namespace of snapshot.of(NAMESPACE)) this.#namespaces.set(namespace.metadata.name, namespace);
  }

  /** @param now what exists, including the changes */
  apply(changes: MeshChanges, now: Pick<MeshSnapshot, "meshConfigs">): void {
    const services = changes.of(SERVICE).flatMap((change) => objectOf(change) ?? []);
    this.registry.apply({ services: changes.of(SERVICE), endpointSlices: changes.of(ENDPOINT_SLICE) });
    this.meshHosts.apply({
      serviceEntries: changes.of(SERVICE_ENTRY),
      ...routeChanges(changes),
      destinationRules: changes.of(DESTINATION_RULE),
      services: services.map((service) => this.registry.hostOf(service)),
    });
    this.#needs.apply(policyChanges(changes));
    this.calls.apply(changes);
    for (const { before, after } of changes.of(SERVICE_FENCE)) this.#fences.changed(before, after);
    for (const { metadata } of services) this.#fences.serviceChanged(metadata);
    for (const change of changes.of(NAMESPACE)) {
      const name = objectOf(change)?.metadata.name ?? "";
      if (change.after === undefined) this.#namespaces.delete(name);
      else this.#namespaces.set(name, change.after);
    }
    if (changes.meshConfigs.length > 0) this.#configure(now.meshConfigs);
  }

  /** Services of Istio's namespace and of ours. The same list until its content changes. */
  get systemHosts(): readonly NamespacedHost[] {
    return this.#system.list();
  }

  /** Which hosts of ServiceEntries and VirtualServices changed, once the changes are taken over. */
  touchedHosts(changes: Pick<MeshChanges, "of">): readonly TouchedHosts[] {
    const { istioNamespace, namespace } = this.#given;
    return touchedHosts(changes, { meshHosts: this.meshHosts, registry: this.registry, shown: new Set([istioNamespace, namespace]) });
  }

  /** Hosts that the proxies of some pods need, whatever these call; none without labels. */
  requiredHosts(namespace: string, labels: Labels | undefined): readonly RequiredHost[] {
    return labels === undefined ? [] : this.#needs.requiredFor(namespace, labels);
  }

  /** EnvoyFilters of others that keep calls of some pods to unknown hosts from our fallback. */
  catchAllRemoved(namespace: string, labels: Labels | undefined): readonly string[] {
    return labels === undefined ? [] : this.#needs.catchAllRemovedFor(namespace, labels);
  }

  /** Fences whose proxies may need other hosts than before, once the changes are taken over. */
  fencesNeedingOthers(changes: Pick<MeshChanges, "of">): readonly ServiceFence[] {
    return this.#needs.touchedBy(policyChanges(changes)).flatMap(({ namespace, selector }) => {
      const fences = namespace === undefined ? this.fences() : this.fencesIn(namespace);
      return fences.filter((fence) => !labelsDiffer(selector, this.labelsOf(fence) ?? {}));
    });
  }

  /** The configuration, together with what is known from the mesh itself. */
  get config(): MeshConfiguration {
    return this.#config;
  }

  /** What decides which pods are REGISTRY_ONLY; none where no MeshConfig can be read. */
  get controlPlanes(): readonly ControlPlane[] {
    return this.#controlPlanes;
  }

  /** `discoverySelectors` of each control plane; one without any reads every namespace. */
  get discovery(): readonly (readonly LabelSelector[])[] {
    return this.#discovery;
  }

  /** Istio's root namespaces: objects there count in every namespace. */
  get rootNamespaces(): readonly string[] {
    return this.#rootNamespaces;
  }

  /** A number that changes whenever a pod may belong to another fence than before. */
  get fencesVersion(): number {
    return this.#fences.version;
  }

  /** By namespace and name. */
  fences(): readonly ServiceFence[] {
    return this.#fences.list();
  }

  /** The fences of a namespace, in any order. */
  fencesIn(namespace: string): readonly ServiceFence[] {
    return this.#fences.inNamespace(namespace);
  }

  /** The fences of a namespace that may be for pods with these labels, in any order. */
  fencesBesides(namespace: string, labels: Labels): readonly FenceOfPods[] {
    return this.#fences.besides(namespace, labels);
  }

  /** Labels of the pods that a fence selects by its Services now; undefined if it selects none. */
  labelsOf(fence: ServiceFence): Labels | undefined {
    return workloadLabels(fence, this.registry, this.#config);
  }

  namespace(name: string): Namespace | undefined {
    return this.#namespaces.get(name);
  }

  /** Whether an object, or its namespace, is being deleted. */
  isEnding({ metadata }: Pick<ServiceFence, "metadata">): boolean {
    return metadata.deletionTimestamp !== undefined || this.isNamespaceEnding(metadata.namespace);
  }

  /** Then the API server accepts nothing new in it, and everything in it is deleted. */
  isNamespaceEnding(name: string): boolean {
    return this.namespace(name)?.metadata.deletionTimestamp !== undefined;
  }

  fence(key: FenceKey): ServiceFence | undefined {
    return this.#fences.get(key);
  }

  /** The first by name of the fences whose selectors match a pod with these labels. */
  fenceOfPod(namespace: string, labels: Labels): FenceKey | undefined {
    return this.#fences.ofPod(namespace, labels);
  }

  /** All fences whose selectors match a pod with these labels, by name. */
  fencesOfPod(namespace: string, labels: Labels): readonly FenceKey[] {
    return this.#fences.allOfPod(namespace, labels);
  }

  /** The fences that select every pod of this one, including itself, by name. */
  fencesOver(fence: FenceKey): readonly FenceKey[] {
    return this.#fences.over(fence);
  }

  /** Whether a fence's selector matches a pod with these labels. */
  selects(fence: FenceKey, namespace: string, labels: Labels): boolean {
    return this.#fences.selects(fence, namespace, labels);
  }

  /** Whether the fallback's Service has a ready endpoint. */
  hasFallback(): boolean {
    const { fallback, namespace } = this.config;
    const service = this.registry.service(namespace, fallback.service);
    return service !== undefined && this.registry.endpointsOf(service, fallback.port).length > 0;
  }

  /**
   * The port of a Service or ServiceEntry behind an Envoy cluster
   * `outbound|<port>|<subset>|<host>`; undefined for any other cluster, or where the registry does
   * not have it.
   */
  destinationOfCluster(cluster: string): Destination | undefined {
    const known = this.#clusters.get(cluster);
    if (known !== undefined && this.#isCurrent(known.service)) return known.destination;
    if (known !== undefined) this.#clusters.delete(cluster);
    const [direction, port, , host, ...rest] = cluster.split("|");
    if (direction !== "outbound" || host === undefined || rest.length > 0) return undefined;
    const found = this.#destinationOfHost(host, Number(port));
    // A cluster is named by a port of the Service, never by one of its pods.
    if (found?.destination.port !== Number(port)) return this.meshHosts.entryNamed(host, Number(port));
    this.#clusters.set(cluster, found);
    return found.destination;
  }

  /** Characters of clusters that are remembered now. */
  get rememberedCharacters(): number {
    return this.#clusters.characters;
  }

  /**
   * The port of a Service or ServiceEntry that a caller in `namespace` means by a host; undefined
   * when no such host, or no such port of it, exists.
   */
  destinationOfHost(host: string, port: number, namespace?: string): Destination | undefined {
    return this.#destinationOfHost(host, port, namespace)?.destination ?? this.meshHosts.entryNamed(host, port, namespace);
  }

  #destinationOfHost(host: string, port: number, namespace?: string): KnownCluster | undefined {
    const service = this.registry.resolveHost(host, namespace);
    const found = service && this.registry.portOf(service, port);
    return service === undefined || found === undefined
      ? undefined
      : { destination: { host: this.registry.hostOf(service), port: found }, service };
  }

  /** A changed Service is another object. */
  #isCurrent(service: Service): boolean {
    const { namespace, name } = service.metadata;
    return this.registry.service(namespace, name) === service;
  }

  #configure(meshConfigs: readonly MeshConfig[] = []): void {
    const meshRootNamespaces = [...new Set(meshConfigs.flatMap(({ rootNamespace }) => rootNamespace ?? []))];
    this.#config = { ...this.#given, meshRootNamespaces };
    this.meshHosts.configure(exportDefaults(meshConfigs));
    this.#discovery = meshConfigs.map(({ discoverySelectors = [] }) => discoverySelectors);
    this.#controlPlanes = meshConfigs.flatMap((meshConfig) => controlPlanesOf(meshConfig, this.#given));
    this.#rootNamespaces = rootNamespacesOf(this.#controlPlanes, this.#given);
    this.calls.configure(this.#rootNamespaces, trustDomainsOf(this.#given));
    this.#needs.configure({
      hosts: meshConfigs.flatMap(({ neededHosts = [] }) => neededHosts),
      rootNamespaces: this.#rootNamespaces,
    });
  }
}
