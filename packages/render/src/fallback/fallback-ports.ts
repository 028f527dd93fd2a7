import type { Config, Service, ServicePort } from "@fenceline/api";
import { compareText } from "@fenceline/api/vocabulary";
import type { DeclaredPorts } from "./declared-ports.ts";
import { byWeight, type Claim, largestHolder, shareOut } from "./fallback-shares.ts";

/**
 * Most ports of the fallback's Service. Every fenced Envoy has a listener, a route table and a
 * cluster for each, 0.13 MB in all, so everybody who may create Services must not be able to raise
 * the number. Kubernetes itself would allow some thousands: at 180 bytes a port, the object must
 * fit into a request to etcd.
 */
export const MOST_FALLBACK_PORTS = 250;

/** The state of the mesh at one moment. */
export interface FallbackPortsInput {
  /** Ports that the Services declare. */
  readonly declared: DeclaredPorts;
  /** The fallback's Service as it is. */
  readonly live: Service;
  readonly config: Config;
  /**
   * Numbers from {@link undeclaredPorts} that nobody has declared for long enough. They are given
   * up where the room is needed. Default: none.
   */
  readonly idle?: ReadonlySet<number>;
}

/** The ports that the fallback's Service should have. */
export interface FallbackPorts {
  /** The existing ports, unchanged, and the missing ones; by number. */
  readonly ports: readonly ServicePort[];
  /**
   * Numbers that it should have too, but cannot: because of {@link MOST_FALLBACK_PORTS}, or because
   * it has no port from which to take the target.
   */
  readonly omitted: readonly number[];
  /** Existing ports that are removed because the room is needed. Undefined when there are none. */
  readonly givenUp?: readonly ServicePort[];
}

/**
 * Gives the fallback's Service every port number that some Service of the mesh declares as HTTP.
 *
 * A fenced Envoy has a listener and a route table for a port only if some visible Service has that
 * port. Without them, a call to an unknown host on that port does not use the fallback. One Service
 * that declares a number as HTTP is enough, whatever others declare. This does not change the
 * others: those that declare the same number as TCP are in every fence (see egress-hosts.ts), with
 * a listener on their own ClusterIP, which Envoy prefers.
 *
 * As long as there is room, ports are only added, so that an Envoy never loses a listener in use.
 * Where there are too many, they are shared among the namespaces (see fallback-shares.ts), and
 * ports that nobody declares any more make room first.
 */
export function fallbackPorts({ declared, live, config, idle = new Set() }: FallbackPortsInput): FallbackPorts {
  const present = live.spec.ports.filter(({ protocol }) => protocol === "TCP");
  const model = present.find(({ port }) => port === config.fallback.port) ?? present[0];
  const numbers = new Set(present.map(({ port }) => port));
  const lacking = declared.claims((port) => !numbers.has(port));
  const room = model === undefined ? 0 : Math.max(0, MOST_FALLBACK_PORTS - live.spec.ports.length);
  const wanted = lacking.toSorted(byWeight).map(({ port }) => port);
  if (wanted.length <= room || model === undefined) return outcome({ live, model, added: wanted.slice(0, room), gone: new Set(), wanted });
  const held = declared.claims((port) => numbers.has(port));
  const removable = new Set(present.filter((port) => isOurs(port, model, config)).map(({ port }) => port));
  const unused = [...idle].filter((port) => removable.has(port)).sort((a, b) => b - a);
  const surplus = live.spec.ports.length - MOST_FALLBACK_PORTS;
  const { granted, takenAway } = shareOut({ lacking, held, removable, room: Math.max(0, unused.length - surplus) });
  const needed = Math.max(0, granted.length - takenAway.length + surplus);
  return outcome({ live, model, added: granted, gone: new Set([...takenAway, ...unused.slice(0, needed)]), wanted });
}

/**
 * Numbers of the fallback's Service that no Service of the mesh declares as HTTP. A caller that
 * remembers them may give them up later.
 */
export function undeclaredPorts({ declared, live, config }: FallbackPortsInput): number[] {
  const held = new Set(heldClaims(declared, live).map(({ port }) => port));
  return tcpNumbers(live).filter((port) => !held.has(port) && port !== config.fallback.port);
}

/**
 * The namespace whose Services declare most of the ports of the fallback's Service. It shows why
 * there are too many.
 */
export function largestDeclarer({ declared, live }: Pick<FallbackPortsInput, "declared" | "live">): ReturnType<typeof largestHolder> {
  return largestHolder(heldClaims(declared, live));
}

function heldClaims(declared: DeclaredPorts, live: Service): readonly Claim[] {
  const numbers = new Set(tcpNumbers(live));
  return declared.claims((port) => numbers.has(port));
}

function tcpNumbers({ spec }: Service): number[] {
  return spec.ports.filter(({ protocol }) => protocol === "TCP").map(({ port }) => port);
}

interface Outcome {
  readonly live: Service;
  /** The port from which the target is taken. */
  readonly model: ServicePort | undefined;
  readonly added: readonly number[];
  readonly gone: ReadonlySet<number>;
  /** All missing numbers, ordered by weight. */
  readonly wanted: readonly number[];
}

function outcome({ live, model, added, gone, wanted }: Outcome): FallbackPorts {
  const givenUp = live.spec.ports.filter(({ port, protocol }) => protocol === "TCP" && gone.has(port));
  const kept = live.spec.ports.filter((port) => !givenUp.includes(port));
  const names = new Set(kept.map(({ name }) => name));
  // As in the API server: a port without a target has its own number as target.
  const targetPort = model?.targetPort ?? model?.port;
  const isAdded = new Set(added);
  const inOrder = wanted.filter((port) => isAdded.has(port));
  const fresh = inOrder.map((port): ServicePort => ({ name: freeName(port, names), port, protocol: "TCP", targetPort }));
  return {
    ports: [...kept, ...fresh].sort(byNumber),
    omitted: wanted.filter((port) => !isAdded.has(port)),
    ...(givenUp.length > 0 && { givenUp }),
  };
}

/** Whether a port is as we add them; the store removes only what it added itself. */
function isOurs({ name, port, targetPort }: ServicePort, model: ServicePort, { fallback }: Config): boolean {
  return port !== fallback.port && (name ?? "").startsWith(`http-${port}`) && targetPort === (model.targetPort ?? model.port);
}

/**
 * `http-8080`; with another ending if another port has that name, since names in a Service are
 * unique.
 */
function freeName(port: number, taken: ReadonlySet<string | undefined>): string {
  let name = `http-${port}`;
  for (let ending = 2; taken.has(name); ending += 1) name = `http-${port}-${ending}`;
  return name;
}

function byNumber(a: ServicePort, b: ServicePort): number {
  return a.port - b.port || compareText(a.protocol, b.protocol);
}
