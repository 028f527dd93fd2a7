import { type HostSource, type RecyclingStrategy, type Service, type ServiceFence, timestampMs } from "@fenceline/api";
import { portProtocol, type Registry } from "@fenceline/registry";
import { LabelSelectors } from "./label-selectors.ts";

/** A host that the book of edges holds for the fence: learned, preloaded or imported. */
export interface BookedHost {
  readonly host: string;
  readonly source: HostSource;
}

/** One host that a fence shows to its workload. */
export interface EgressHost {
  /**
   * `<namespace>/<fqdn>`, `*` in place of the namespace where it is not known, or `<namespace>/*`.
   */
  readonly egress: string;
  /** Key in the fence's status: the host as it is known to users. */
  readonly host: string;
  /**
   * `tcp`: shown because connections to it could not be redirected. Every fence has those, so they
   * are no part of its status.
   */
  readonly source: HostSource | "tcp";
  /**
   * Not rendered any more: its deadline has passed. It stays in the status, so that a reader sees
   * why.
   */
  readonly expired: boolean;
}

/** What is true of a fence at one moment. */
export interface FenceInput {
  readonly fence: ServiceFence;
  readonly booked: readonly BookedHost[];
  readonly registry: Registry;
  /** Milliseconds of the wall clock, for deadlines. */
  readonly now: number;
}

/**
 * Every host of a fence, by status key. The first reason found names the source: what a person
 * wrote comes before what was learned.
 */
export function egressHosts(input: FenceInput): EgressHost[] {
  const hosts = new Map<string, EgressHost>();
  for (const host of [...declaredHosts(input), ...selectedServices(input), ...bookedHosts(input), ...tcpServices(input)]) {
    const known = hosts.get(host.host);
    if (known === undefined || known.expired) hosts.set(host.host, host);
  }
  return [...hosts.values()].sort((a, b) => (a.host < b.host ? -1 : 1));
}

/** When a deadline will next change what {@link egressHosts} gives; undefined when none will. */
export function nextDeadline({ spec }: ServiceFence, now: number): number | undefined {
  const deadlines = Object.values(spec.host).flatMap((strategy) => deadlineOf(strategy) ?? []);
  const coming = deadlines.filter((deadline) => deadline >= now);
  return coming.length === 0 ? undefined : Math.min(...coming) + 1;
}

/**
 * Whether the host ages like a learned one: Slime's `auto` strategy. The book of edges then holds
 * it for as long as it lives.
 */
export function agesByUse(strategy: RecyclingStrategy | null | undefined): boolean {
  return !strategy?.stable && !strategy?.deadline && strategy?.auto !== undefined && strategy.auto !== null;
}

/**
 * Whether every fence in mode `tcp: visible` shows the service: a connection to a hidden one could
 * not be redirected, and would fail.
 */
export function needsOwnListener({ spec }: Service): boolean {
  return spec.type !== "ExternalName" && spec.ports.some((port) => port.protocol === "TCP" && portProtocol(port) !== "http");
}

/**
 * The host as the mesh knows it: a short name in a fence is completed as a pod of its namespace
 * would.
 */
export function statusKey(key: string, namespace: string, registry: Registry): string {
  if (key.endsWith("/*")) return key;
  const service = registry.resolveHost(key, namespace);
  return service === undefined ? key : registry.hostOf(service);
}

function declaredHosts({ fence, registry, now }: FenceInput): EgressHost[] {
  return Object.entries(fence.spec.host)
    .filter(([, strategy]) => !agesByUse(strategy))
    .map(([key, strategy]) => {
      const host = statusKey(key, fence.metadata.namespace, registry);
      const deadline = deadlineOf(strategy);
      return { ...toEgress(host, registry), source: "static", expired: deadline !== undefined && now > deadline };
    });
}

function selectedServices({ fence, registry }: FenceInput): EgressHost[] {
  const namespaces = fence.spec.namespaceSelector.map((namespace) => `${namespace}/*`);
  const { labelSelector } = fence.spec;
  const selectors = labelSelector.length === 0 ? undefined : new LabelSelectors(labelSelector.map(({ selector }) => selector));
  const services = (selectors === undefined ? [] : registry.services())
    .filter(({ metadata }) => selectors?.take(metadata.labels))
    .map((service) => registry.hostOf(service));
  return [...namespaces, ...services].map((host) => ({ ...toEgress(host, registry), source: "static", expired: false }));
}

/** What stays visible without being learned, in each mode of `tcp`. */
interface TcpHosts {
  readonly visible: readonly EgressHost[];
  /**
   * In mode `learn`: those that no access log can teach, declared TCP on a port number that is HTTP
   * elsewhere. There the Envoy of a fenced workload waits for the client's first bytes, so a server
   * that speaks first hangs, and what has not left the listener's filters is never logged.
   */
  readonly learn: readonly EgressHost[];
}

/**
 * The same for every fence, and a registry never changes. Looking through thousands of services for
 * each of many fences would take seconds.
 */
const tcpHosts = new WeakMap<Registry, TcpHosts>();

function tcpServices({ fence, registry }: FenceInput): readonly EgressHost[] {
  const known = tcpHosts.get(registry) ?? tcpHostsOf(registry);
  tcpHosts.set(registry, known);
  return known[fence.spec.tcp];
}

function tcpHostsOf(registry: Registry): TcpHosts {
  const all = registry.services();
  const candidates = all.filter(needsOwnListener);
  const http = new Set(all.flatMap(({ spec }) => spec.ports.filter((port) => portProtocol(port) === "http").map(({ port }) => port)));
  const cannotBeLearned = ({ spec }: Service) =>
    spec.ports.some((port) => port.protocol === "TCP" && portProtocol(port) === "tcp" && http.has(port.port));
  const shown = (service: Service): EgressHost => ({ ...toEgress(registry.hostOf(service), registry), source: "tcp", expired: false });
  return { visible: candidates.map(shown), learn: candidates.filter(cannotBeLearned).map(shown) };
}

function bookedHosts({ booked, registry }: FenceInput): EgressHost[] {
  return booked.map(({ host, source }) => ({ ...toEgress(host, registry), source, expired: false }));
}

function toEgress(host: string, registry: Registry): Pick<EgressHost, "egress" | "host"> {
  if (host.endsWith("/*")) return { egress: host, host };
  return { egress: `${registry.namespaceOf(host) ?? "*"}/${host}`, host };
}

/** The strategies are checked in Slime's order: stable, deadline, auto. */
function deadlineOf(strategy: RecyclingStrategy | null | undefined): number | undefined {
  return strategy?.stable ? undefined : timestampMs(strategy?.deadline?.expire);
}
