import type { Labels, Service } from "@fenceline/api";
import type { Registry } from "./registry.ts";
import { serviceNamed, serviceNames } from "./service-names.ts";
import { labelTexts } from "./services-by-label.ts";
import type { TcpLists } from "./tcp-services.ts";

/** The questions to a registry whose answers are recorded, so that a change of one can be told. */
export type ServiceLookup = Pick<
  Registry,
  | "clusterDomain"
  | "services"
  | "servicesIn"
  | "servicesOfPods"
  | "service"
  | "hostOf"
  | "namespaceOf"
  | "resolveHost"
  | "tcpServices"
  | "readyEndpoints"
  | "podPortsOf"
>;

/** What was asked of a registry. As long as none of it changes, the answers stay the same. */
export interface Reads {
  /** Services by `<namespace>/<name>`, whether they exist or not. */
  readonly names: ReadonlySet<string>;
  /** Services, in the same form, whose endpoints were looked at. */
  readonly endpoints: ReadonlySet<string>;
  /** Labels of pods for which Services were asked for, in the form of {@link labelTexts}. */
  readonly labels: ReadonlySet<string>;
  /** All Services. */
  readonly all: boolean;
  /** The Services that every fence shows. */
  readonly tcp: boolean;
}

/**
 * A registry that records what it is asked for. So code that computes something from it need not
 * say what the result depends on, and cannot forget a part of it.
 */
export class RecordedLookup implements ServiceLookup {
  readonly #registry: Registry;
  readonly #names = new Set<string>();
  readonly #endpoints = new Set<string>();
  readonly #labels = new Set<string>();
  #all = false;
  #tcp = false;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  get reads(): Reads {
    return { names: this.#names, endpoints: this.#endpoints, labels: this.#labels, all: this.#all, tcp: this.#tcp };
  }

  get clusterDomain(): string {
    return this.#registry.clusterDomain;
  }

  services(): readonly Service[] {
    this.#all = true;
    return this.#registry.services();
  }

  servicesIn(namespace: string): readonly Service[] {
    this.#all = true;
    return this.#registry.servicesIn(namespace);
  }

  servicesOfPods(namespace: string, labels: Labels): readonly Service[] {
    for (const label of labelTexts(namespace, labels)) this.#labels.add(label);
    const services = this.#registry.servicesOfPods(namespace, labels);
    for (const { metadata } of services) this.#names.add(`${metadata.namespace}/${metadata.name}`);
    return services;
  }

  service(namespace: string, name: string): Service | undefined {
    this.#names.add(`${namespace}/${name}`);
    return this.#registry.service(namespace, name);
  }

  hostOf(service: Service): string {
    return this.#registry.hostOf(service);
  }

  namespaceOf(host: string): string | undefined {
    return this.#registry.namespaceOf(host);
  }

  resolveHost(host: string, callerNamespace?: string): Service | undefined {
    return serviceNamed(serviceNames(host, this.clusterDomain, callerNamespace), (namespace, name) => this.service(namespace, name))
      ?.service;
  }

  readyEndpoints(namespace: string, name: string): number {
    this.#endpoints.add(`${namespace}/${name}`);
    return this.#registry.readyEndpoints(namespace, name);
  }

  podPortsOf(service: Service, port: number): readonly number[] {
    const { metadata, spec } = service;
    this.#names.add(`${metadata.namespace}/${metadata.name}`);
    // Only the targets of named ports are in the slices.
    if (spec.ports.some(({ targetPort }) => typeof targetPort === "string")) this.#endpoints.add(`${metadata.namespace}/${metadata.name}`);
    return this.#registry.podPortsOf(service, port);
  }

  tcpServices(): TcpLists {
    this.#tcp = true;
    return this.#registry.tcpServices();
  }
}
