import { type RefusedCallers, readRefused, refuses } from "@fenceline/registry";

/**
 * Which calls AuthorizationPolicies certainly refuse, as the collector sends it. A view stays in
 * force until the next one is complete.
 */
export class RefusedCalls {
  #hosts = new Map<string, Told>();
  /** A view that is not complete yet. */
  #coming: Map<string, Told> | undefined;

  /** All texts. */
  *texts(): Generator<string> {
    for (const { text } of this.#hosts.values()) yield text;
  }

  /** A view begins. */
  begin(): void {
    this.#coming = new Map();
  }

  /** The view is complete. */
  complete(): void {
    this.#hosts = this.#coming ?? this.#hosts;
    this.#coming = undefined;
  }

  add(text: string): void {
    const callers = readRefused(text);
    if (callers !== undefined) (this.#coming ?? this.#hosts).set(callers.host, { text, callers });
  }

  /** The removal of a host's former text may come after its new one. */
  remove(text: string): void {
    const hosts = this.#coming ?? this.#hosts;
    const host = readRefused(text)?.host;
    if (host !== undefined && hosts.get(host)?.text === text) hosts.delete(host);
  }

  /** @param host name of a Service in full, or a ClusterIP */
  has(namespace: string, host: string): boolean {
    const told = this.#hosts.get(host);
    return told !== undefined && refuses(told.callers, namespace);
  }
}

interface Told {
  readonly text: string;
  readonly callers: RefusedCallers;
}
