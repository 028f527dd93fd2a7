import { type Config, formatFenceKey, type ObjectChange, objectOf, type Service, type ServiceEntry } from "@fenceline/api";
import { isHttpEntryPort, portProtocol } from "@fenceline/registry";
import type { Claim } from "./fallback-shares.ts";

/** An object with ports. A ServiceEntry's host may be one that fences learn. */
export type PortDeclarer = Service | ServiceEntry;

/** Who declares a port number. */
interface Declaration {
  readonly port: number;
  /** How many Services declare it, by namespace. */
  readonly counts: Map<string, number>;
  services: number;
}

/**
 * The port numbers that the Services and ServiceEntries of the mesh declare as HTTP. A change costs
 * a look at the object that changed.
 */
export class DeclaredPorts {
  readonly #config: Config;
  /** By object. An object without such numbers is not in it. */
  readonly #numbers = new Map<string, readonly number[]>();
  readonly #declarations = new Map<number, Declaration>();

  constructor(declarers: Iterable<PortDeclarer>, config: Config) {
    this.#config = config;
    for (const declarer of declarers) this.changed({ before: undefined, after: declarer });
  }

  /** Takes over what changed. A known object may be told as new. */
  changed(change: ObjectChange<PortDeclarer>): void {
    const declarer = objectOf(change);
    if (declarer === undefined) return;
    const { namespace } = declarer.metadata;
    const key = `${declarer.kind} ${formatFenceKey(declarer.metadata)}`;
    const now = change.after === undefined ? [] : declaredNumbers(change.after, this.#config);
    for (const port of this.#numbers.get(key) ?? []) this.#count(port, namespace, -1);
    for (const port of now) this.#count(port, namespace, 1);
    if (now.length === 0) this.#numbers.delete(key);
    else this.#numbers.set(key, now);
  }

  /** The wanted numbers, in any order. Default: all. */
  claims(isWanted: (port: number) => boolean = () => true): readonly Claim[] {
    const wanted = [...this.#declarations.values()].filter(({ port }) => isWanted(port));
    return wanted.map(({ port, counts, services }) => ({ port, namespaces: new Set(counts.keys()), services }));
  }

  #count(port: number, namespace: string, by: 1 | -1): void {
    const declaration = this.#declarations.get(port) ?? { port, counts: new Map(), services: 0 };
    const { counts } = declaration;
    const count = (counts.get(namespace) ?? 0) + by;
    declaration.services += by;
    if (count > 0) counts.set(namespace, count);
    else counts.delete(namespace);
    if (declaration.services === 0) this.#declarations.delete(port);
    else this.#declarations.set(port, declaration);
  }
}

/** The numbers that an object declares as HTTP, if some fence may hide it. */
export function declaredNumbers(declarer: PortDeclarer, config: Config): readonly number[] {
  if (declarer.kind === "ServiceEntry") return declarer.spec.ports.filter(isHttpEntryPort).map(({ number }) => number);
  const service = declarer;
  if (!mayBeHidden(service, config)) return [];
  return service.spec.ports.flatMap((port) => (portProtocol(port) === "http" ? [port.port] : []));
}

/**
 * Whether some fence may hide the Service: each shows Istio's namespace and Fenceline's own. An
 * ExternalName has no ClusterIP, and since Istio 1.21 no listener either. It is an alias of its
 * target, whose own Service counts, or which is outside of the cluster.
 */
function mayBeHidden({ metadata, spec }: Service, { namespace, istioNamespace }: Config): boolean {
  return spec.type !== "ExternalName" && metadata.namespace !== namespace && metadata.namespace !== istioNamespace;
}
