import type { Service } from "@fenceline/api";
import { compareText } from "@fenceline/api/vocabulary";
import { portProtocol } from "./port-protocol.ts";

/**
 * Services that stay visible to every fence without being learned, ordered by namespace and name.
 */
export interface TcpLists {
  /** Those that need a listener of their own: in mode `tcp: visible`. */
  readonly visible: readonly Service[];
  /**
   * In mode `learn`: those that no access log can teach, declared TCP on a port number that is HTTP
   * elsewhere. There the Envoy of a fenced workload waits for the client's first bytes, so a server
   * that speaks first hangs, and what has not left the listener's filters is never logged.
   */
  readonly learn: readonly Service[];
}

/**
 * Keeps {@link TcpLists} up with the Services. They are the same for every fence, so whether a
 * change of a Service changed them must be cheap to tell: as long as it did not, they are the same
 * lists.
 */
export class TcpServices {
  readonly #candidates = new Map<string, Service>();
  /** How many Service ports declare each number as HTTP. */
  readonly #http = new Map<number, number>();
  #lists: TcpLists | undefined;

  lists(): TcpLists {
    this.#lists ??= this.#makeLists();
    return this.#lists;
  }

  changed(before: Service | undefined, after: Service | undefined): void {
    if (after !== undefined) this.#countHttp(after, 1);
    if (before !== undefined) this.#countHttp(before, -1);
    const was = before !== undefined && showsEverywhere(before);
    const is = after !== undefined && showsEverywhere(after);
    if (was) this.#candidates.delete(keyOf(before));
    if (is) this.#candidates.set(keyOf(after), after);
    if (was || is) this.#lists = undefined;
  }

  #countHttp({ spec }: Service, step: 1 | -1): void {
    for (const port of spec.ports) {
      if (portProtocol(port) !== "http") continue;
      const count = this.#http.get(port.port) ?? 0;
      if (count + step === 0) this.#http.delete(port.port);
      else this.#http.set(port.port, count + step);
      if (count === 0 || count + step === 0) this.#lists = undefined;
    }
  }

  #makeLists(): TcpLists {
    const visible = [...this.#candidates].sort(([a], [b]) => compareText(a, b)).map(([, service]) => service);
    return { visible, learn: visible.filter((service) => this.#cannotBeLearned(service)) };
  }

  #cannotBeLearned({ spec }: Service): boolean {
    return spec.ports.some((port) => port.protocol === "TCP" && portProtocol(port) === "tcp" && this.#http.has(port.port));
  }
}

/**
 * Whether every fence in mode `tcp: visible` shows the service: a connection to a hidden one could
 * not be redirected, and would fail.
 */
export function showsEverywhere({ spec }: Service): boolean {
  return spec.type !== "ExternalName" && spec.ports.some((port) => port.protocol === "TCP" && portProtocol(port) !== "http");
}

/** In the order of namespaces, then names: a blank comes before every character of either. */
function keyOf({ metadata: { namespace, name } }: Service): string {
  return `${namespace} ${name}`;
}
