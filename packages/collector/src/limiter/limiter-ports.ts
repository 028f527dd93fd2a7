import { hasLabels, type Service, type SmartLimiter } from "@fenceline/api";
import { type ServiceLookup, tcpPortsOf } from "@fenceline/registry";
import type { LimitGroup, PodPorts } from "@fenceline/render/limiter";

/**
 * Most ports of pods behind one port of their Services. There are several where a name stands for
 * another port in some pods, as in a roll-out.
 */
const MOST_POD_PORTS = 4;

/** Pods, and the ports of theirs that rules name. */
export interface NamedPorts {
  readonly group: LimitGroup;
  readonly ports: ReadonlySet<number>;
}

/** The ports that rules of a set name. Most rules are for every port. */
export function portsNamed({ spec }: SmartLimiter, set: string): readonly number[] {
  const { descriptor = [] } = spec.sets[set] ?? {};
  return descriptor.flatMap(({ target = spec.target }) => target?.port ?? []).filter((port) => port !== 0);
}

/** Services of a namespace by one label that their pods have. */
type ServicesByLabel = ReadonlyMap<string, readonly Service[]>;

function servicesByLabel(namespace: string, registry: ServiceLookup): ServicesByLabel {
  return Map.groupBy(registry.servicesIn(namespace), ({ spec: { selector } }) => labelText(Object.entries(selector)[0] ?? []));
}

/**
 * The ports of pods that limiters mean by a port: those behind that port of a Service that selects
 * all of the pods, as whoever calls them knows it; else the pods' own.
 *
 * They are looked up at once, so that a registry that takes note of what it is asked has them.
 */
export function podPortsOf(namespace: string, named: readonly NamedPorts[], registry: ServiceLookup): (group: LimitGroup) => PodPorts {
  const withPorts = named.filter(({ ports }) => ports.size > 0);
  const services = withPorts.length === 0 ? new Map() : servicesByLabel(namespace, registry);
  const known = new Map(withPorts.map((each) => [each.group, behindServices(each, services, registry)]));
  return (group) => (port) => known.get(group)?.get(port) ?? [port];
}

/** By the ports that are named, of the Services in front of the pods. */
function behindServices(
  { group, ports: named }: NamedPorts,
  services: ServicesByLabel,
  registry: ServiceLookup,
): ReadonlyMap<number, readonly number[]> {
  const { labels } = group.owner;
  const serving = Object.entries(labels)
    .flatMap((label) => services.get(labelText(label)) ?? [])
    .filter(({ spec: { selector } }) => hasLabels(labels, selector));
  const ports = serving.flatMap((service) => tcpPortsOf(service).flatMap(({ port }) => (named.has(port) ? [{ service, port }] : [])));
  return new Map(
    [...Map.groupBy(ports, ({ port }) => port)].map(([port, list]) => {
      const targets = new Set(list.flatMap(({ service }) => registry.podPortsOf(service, port)));
      return [port, [...targets].sort((a, b) => a - b).slice(0, MOST_POD_PORTS)];
    }),
  );
}

function labelText(label: readonly string[]): string {
  return JSON.stringify(label);
}
