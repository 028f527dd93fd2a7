import type { Service } from "@fenceline/api";
import { compareText } from "@fenceline/api/vocabulary";
import { portProtocol } from "./port-protocol.ts";

/** Services that every fence shows without having learned them, ordered by namespace and name. */
export interface TcpLists {
  /** In mode `tcp: visible`: those that need a listener of their own. */
  readonly visible: readonly Service[];
  /**
   * In mode `learn`: those that no access log can teach, since they declare TCP on a port number
   * that is HTTP elsewhere. There the Envoy of a fenced workload waits for the client's first
   * bytes: a server that speaks first hangs, and a connection that stays in the listener's filters
   * is not logged.
   */
  readonly learn: readonly Service[];
}

/**
 * Keeps {@link TcpLists} up to date with the Services. The lists are the same for every fence, so
 * it must be cheap to tell whether a change affects them. As long as none does, they stay the same
 * values.
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
 * Whether every fence in mode `tcp: visible` shows the Service: a connection to a hidden one could
 * not be redirected, and would fail.
 */
export function showsEverywhere({ spec }: Service): boolean {
  return spec.type !== "ExternalName" && spec.ports.some((port) => port.protocol === "TCP" && portProtocol(port) !== "http");
}

/** Sorts by namespace, then by name: a blank comes before every character of either. */
function keyOf({ metadata: { namespace, name } }: Service): string {
  return `${namespace} ${name}`;
}
