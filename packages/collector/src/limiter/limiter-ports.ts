import { hasLabels, type Labels, type Service } from "@fenceline/api";
import { type ServiceLookup, tcpPortsOf } from "@fenceline/registry";
import type { LimitGroup, PodPorts } from "@fenceline/render/limiter";

/**
 * Most ports of pods behind one port of their Services. There are several where a name stands for
 * another port in some pods, as in a roll-out.
 */
const MOST_POD_PORTS = 4;

/** Services of a namespace by one label that their pods have. */
export type ServicesByLabel = ReadonlyMap<string, readonly Service[]>;

export function servicesByLabel(namespace: string, registry: ServiceLookup): ServicesByLabel {
  return Map.groupBy(registry.servicesIn(namespace), ({ spec: { selector } }) => labelText(Object.entries(selector)[0] ?? []));
}

/**
 * The ports of pods that limiters mean by a port: those behind that port of a Service that selects
 * all of the pods, as whoever calls them knows it; else the pods' own.
 *
 * They are looked up at once, so that a registry that takes note of what it is asked has them.
 */
export function podPortsOf(
  groups: readonly LimitGroup[],
  services: ServicesByLabel,
  registry: ServiceLookup,
): (group: LimitGroup) => PodPorts {
  const known = new Map(groups.map((group) => [group, behindServices(group.owner.labels, services, registry)]));
  return (group) => (port) => known.get(group)?.get(port) ?? [port];
}

/** By port of the Services in front of pods with these labels. */
function behindServices(labels: Labels, services: ServicesByLabel, registry: ServiceLookup): ReadonlyMap<number, readonly number[]> {
  const serving = Object.entries(labels)
    .flatMap((label) => services.get(labelText(label)) ?? [])
    .filter(({ spec: { selector } }) => hasLabels(labels, selector));
  const ports = serving.flatMap((service) => tcpPortsOf(service).map(({ port }) => ({ service, port })));
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
