import type { Config, Service, ServicePort } from "@fenceline/api";
import { compareText } from "@fenceline/api/vocabulary";
import type { DeclaredPorts } from "./declared-ports.ts";
import { byWeight, type Claim, largestHolder, shareOut } from "./fallback-shares.ts";

/**
 * Most ports that the fallback's Service is given. Every fenced Envoy holds a listener, a route
 * table and a cluster for each, 0.13 MB in all, so the number must not be a choice of everybody who
 * may create Services. Kubernetes itself would allow some thousands: at 180 bytes a port, the
 * object must fit into a request to etcd.
 */
export const MOST_FALLBACK_PORTS = 250;

/** What is true of the mesh at one moment. */
export interface FallbackPortsInput {
  /** What the Services declare. */
  readonly declared: DeclaredPorts;
  /** The fallback's Service as it stands. */
  readonly live: Service;
  readonly config: Config;
  /**
   * Numbers that nobody has declared for long enough, of {@link undeclaredPorts}. They are given up
   * where the room is needed. Default: none.
   */
  readonly idle?: ReadonlySet<number>;
}

/** The ports that the fallback's Service should have. */
export interface FallbackPorts {
  /** Those that it has, as they are, and those that it lacks; by number. */
  readonly ports: readonly ServicePort[];
  /**
   * Numbers that it should have too, except for {@link MOST_FALLBACK_PORTS}, or because it has no
   * port to take the target from.
   */
  readonly omitted: readonly number[];
  /**
   * Those that it has and should not have any more, because the room is needed. Not there when
   * there are none.
   */
  readonly givenUp?: readonly ServicePort[];
}

/**
 * Gives the fallback's Service every port number that some Service of the mesh declares as HTTP.
 *
 * A fenced Envoy has a listener and a route table for a port only if some visible Service has that
 * port; without, a call to an unknown host on it goes past the fallback. One Service that declares
 * a number as HTTP is enough, whatever others declare. For them nothing changes: those that declare
 * the same number as TCP stand in every fence (see egress-hosts.ts), with a listener on their own
 * ClusterIP, which Envoy prefers.
 *
 * Ports only ever come, as long as there is room, so that an Envoy never loses a listener in use.
 * Where there are too many, they are shared out among the namespaces (see fallback-shares.ts), and
 * what nobody declares any more makes room first.
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
 * Numbers that the fallback's Service has and that no Service of the mesh declares as HTTP: whoever
 * remembers them may give them up later.
 */
export function undeclaredPorts({ declared, live, config }: FallbackPortsInput): number[] {
  const held = new Set(heldClaims(declared, live).map(({ port }) => port));
  return tcpNumbers(live).filter((port) => !held.has(port) && port !== config.fallback.port);
}

/**
 * The namespace whose Services declare most of the ports that the fallback's Service has, for
 * whoever looks for the reason that there are too many.
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
  /** The port to take the target from. */
  readonly model: ServicePort | undefined;
  readonly added: readonly number[];
  readonly gone: ReadonlySet<number>;
  /** All that are lacking, in the order of their weight. */
  readonly wanted: readonly number[];
}

function outcome({ live, model, added, gone, wanted }: Outcome): FallbackPorts {
  const givenUp = live.spec.ports.filter(({ port, protocol }) => protocol === "TCP" && gone.has(port));
  const kept = live.spec.ports.filter((port) => !givenUp.includes(port));
  const names = new Set(kept.map(({ name }) => name));
  // As the API server does it: a port without a target has its own number for one.
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

/** A port as we add them; the store takes away only what it added itself. */
function isOurs({ name, port, targetPort }: ServicePort, model: ServicePort, { fallback }: Config): boolean {
  return port !== fallback.port && (name ?? "").startsWith(`http-${port}`) && targetPort === (model.targetPort ?? model.port);
}

/**
 * `http-8080`; with another ending if a port of another number or protocol has that name, since
 * names in a Service are unique.
 */
function freeName(port: number, taken: ReadonlySet<string | undefined>): string {
  let name = `http-${port}`;
  for (let ending = 2; taken.has(name); ending += 1) name = `http-${port}-${ending}`;
  return name;
}

function byNumber(a: ServicePort, b: ServicePort): number {
  return a.port - b.port || compareText(a.protocol, b.protocol);
}
