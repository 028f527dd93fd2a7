import type { Config, Service, ServicePort } from "@fenceline/api";
import { portProtocol } from "@fenceline/registry";

/**
 * Most ports that the fallback's Service is given. Every fenced Envoy holds a listener, a route table and a cluster for each, 0.13 MB in all, so the
 * number must not be for whoever may create Services to choose. Kubernetes itself would allow some thousands: at 180 bytes a port, the object must fit
 * into a request to etcd.
 */
export const MOST_FALLBACK_PORTS = 250;

/** What is true of the mesh at one moment. */
export interface FallbackPortsInput {
  readonly services: Iterable<Service>;
  /** The fallback's Service as it stands. */
  readonly live: Service;
  readonly config: Config;
}

/** The ports that the fallback's Service should have. */
export interface FallbackPorts {
  /** Those that it has, as they are, and those that it lacks; by number. */
  readonly ports: readonly ServicePort[];
  /** Numbers that it should have too, but for {@link MOST_FALLBACK_PORTS}, or because it has no port to take the target from. */
  readonly omitted: readonly number[];
}

/**
 * Gives the fallback's Service every port number that some Service of the mesh declares as HTTP.
 *
 * A fenced Envoy has a listener and a route table for a port only if some visible Service has that port; without, a call to an unknown host on it goes
 * past the fallback. One Service that declares a number as HTTP is enough, whatever others declare. For them nothing changes: those that declare the same
 * number as TCP stand in every fence (see egress-hosts.ts), with a listener on their own ClusterIP, which Envoy prefers.
 *
 * Ports only ever come, so that an Envoy never loses a listener in use. Where there are too many, those that most Services declare come first.
 */
export function fallbackPorts({ services, live, config }: FallbackPortsInput): FallbackPorts {
  const present = live.spec.ports.filter(({ protocol }) => protocol === "TCP");
  const model = present.find(({ port }) => port === config.fallback.port) ?? present[0];
  const lacking = lackingPorts(services, new Set(present.map(({ port }) => port)), config);
  const room = model === undefined ? 0 : Math.max(0, MOST_FALLBACK_PORTS - live.spec.ports.length);
  const names = new Set(live.spec.ports.map(({ name }) => name));
  // As the API server does it: a port without a target has its own number for one.
  const targetPort = model?.targetPort ?? model?.port;
  const added = lacking.slice(0, room).map((port): ServicePort => ({ name: freeName(port, names), port, protocol: "TCP", targetPort }));
  return { ports: [...live.spec.ports, ...added].sort(byNumber), omitted: lacking.slice(room) };
}

/** Numbers that some Service declares as HTTP and that are not present; those that most Services declare first. */
function lackingPorts(services: Iterable<Service>, present: ReadonlySet<number>, config: Config): number[] {
  const declarers = new Map<number, number>();
  for (const service of services) {
    if (!mayBeHidden(service, config)) continue;
    for (const port of service.spec.ports) {
      // Looked up first: this runs for every port of the mesh at every snapshot, and nearly all are present.
      if (present.has(port.port) || portProtocol(port) !== "http") continue;
      declarers.set(port.port, (declarers.get(port.port) ?? 0) + 1);
    }
  }
  return [...declarers].sort(([a, ofA], [b, ofB]) => ofB - ofA || a - b).map(([port]) => port);
}

/**
 * Whether some fence may hide the Service: each shows Istio's namespace and Fenceline's own. An ExternalName has no ClusterIP, and since Istio 1.21 no
 * listener either: it is another name of its target, whose own Service counts, or leads out of the cluster.
 */
function mayBeHidden({ metadata, spec }: Service, { namespace, istioNamespace }: Config): boolean {
  return spec.type !== "ExternalName" && metadata.namespace !== namespace && metadata.namespace !== istioNamespace;
}

/** `http-8080`; with another ending should a port of another number or protocol be called that, since names in a Service are unique. */
function freeName(port: number, taken: ReadonlySet<string | undefined>): string {
  let name = `http-${port}`;
  for (let ending = 2; taken.has(name); ending += 1) name = `http-${port}-${ending}`;
  return name;
}

function byNumber(a: ServicePort, b: ServicePort): number {
  return a.port - b.port || (a.protocol < b.protocol ? -1 : 1);
}
