import { type HostSource, type RecyclingStrategy, type ServiceFence, timestampMs } from "@fenceline/api";
import type { ServiceLookup } from "@fenceline/registry";
import { LabelSelectors } from "./label-selectors.ts";
import { isNamespaceEntry } from "./selector-remarks.ts";
import { tcpHosts } from "./tcp-hosts.ts";

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
  readonly registry: ServiceLookup;
  /** Milliseconds of the wall clock, for deadlines. */
  readonly now: number;
}

/**
 * Every host of a fence, by status key. The first reason found names the source: what a person
 * wrote comes before what was learned.
 */
export function egressHosts(input: FenceInput): EgressHost[] {
  const hosts = new Map<string, EgressHost>();
  for (const host of [
    ...declaredHosts(input),
    ...selectedServices(input),
    ...bookedHosts(input),
    ...tcpHosts(input.fence.spec.tcp, input.registry),
  ]) {
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
 * The host as the mesh knows it: a short name in a fence is completed as a pod of its namespace
 * would.
 */
export function statusKey(key: string, namespace: string, registry: ServiceLookup): string {
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
  const namespaces = fence.spec.namespaceSelector.filter(isNamespaceEntry).map((namespace) => `${namespace}/*`);
  const { labelSelector } = fence.spec;
  const selectors = labelSelector.length === 0 ? undefined : new LabelSelectors(labelSelector.map(({ selector }) => selector));
  const services = (selectors === undefined ? [] : registry.services())
    .filter(({ metadata }) => selectors?.take(metadata.labels))
    .map((service) => registry.hostOf(service));
  return [...namespaces, ...services].map((host) => ({ ...toEgress(host, registry), source: "static", expired: false }));
}

function bookedHosts({ booked, registry }: FenceInput): EgressHost[] {
  return booked.map(({ host, source }) => ({ ...toEgress(host, registry), source, expired: false }));
}

function toEgress(host: string, registry: ServiceLookup): Pick<EgressHost, "egress" | "host"> {
  if (host.endsWith("/*")) return { egress: host, host };
  return { egress: `${registry.namespaceOf(host) ?? "*"}/${host}`, host };
}

/** The strategies are checked in Slime's order: stable, deadline, auto. */
function deadlineOf(strategy: RecyclingStrategy | null | undefined): number | undefined {
  return strategy?.stable ? undefined : timestampMs(strategy?.deadline?.expire);
}
