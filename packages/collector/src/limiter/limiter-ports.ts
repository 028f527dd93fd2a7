import type { SmartLimiter } from "@fenceline/api";
import { type ServiceLookup, tcpPortsOf } from "@fenceline/registry";
import type { LimitedPods, PodPorts } from "@fenceline/render/limiter";

/**
 * Most ports of pods behind one port of their Services. There are several where a name means
 * another port in some pods, as during a roll-out.
 */
const MOST_POD_PORTS = 4;

/** The ports that rules of a set name. Most rules are for every port. */
export function portsNamed({ spec }: SmartLimiter, set: string): readonly number[] {
  // A set may have the name `constructor`.
  const { descriptor = [] } = Object.hasOwn(spec.sets, set) ? (spec.sets[set] ?? {}) : {};
  return descriptor.flatMap(({ target = spec.target }) => target?.port ?? []).filter((port) => port !== 0);
}

/**
 * The ports of pods that limiters mean by a port. If a Service that selects all of the pods has
 * this port, as callers know it, they are those behind it; else the port is the pods' own. Each is
 * looked up once, on first use.
 */
export function podPortsOf(namespace: string, { labels }: Pick<LimitedPods, "labels">, registry: ServiceLookup): PodPorts {
  const known = new Map<number, readonly number[]>();
  return (port) => {
    const ports = known.get(port) ?? behindServices(namespace, labels, port, registry) ?? [port];
    known.set(port, ports);
    return ports;
  };
}

/** Undefined where no Service in front of the pods has the port. */
function behindServices(
  namespace: string,
  labels: LimitedPods["labels"],
  port: number,
  registry: ServiceLookup,
): readonly number[] | undefined {
  const serving = registry.servicesOfPods(namespace, labels).filter((service) => tcpPortsOf(service).some((each) => each.port === port));
  if (serving.length === 0) return undefined;
  const targets = new Set(serving.flatMap((service) => registry.podPortsOf(service, port)));
  return [...targets].sort((a, b) => a - b).slice(0, MOST_POD_PORTS);
}
