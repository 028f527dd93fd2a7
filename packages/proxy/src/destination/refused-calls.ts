import { type RefusedCallers, readRefused, refuses } from "@fenceline/registry";

/**
 * Which calls AuthorizationPolicies refuse for certain, as the collector tells it. What has come
 * stays in force until the next view is whole.
 */
export class RefusedCalls {
  #hosts = new Map<string, Told>();
  /** A view that is on its way. */
  #coming: Map<string, Told> | undefined;

  /** All that is told. */
  *texts(): Generator<string> {
    for (const { text } of this.#hosts.values()) yield text;
  }

  /** A whole view begins. */
  begin(): void {
    this.#coming = new Map();
  }

  /** The view is whole. */
  complete(): void {
    this.#hosts = this.#coming ?? this.#hosts;
    this.#coming = undefined;
  }

  add(text: string): void {
    const callers = readRefused(text);
    if (callers !== undefined) (this.#coming ?? this.#hosts).set(callers.host, { text, callers });
  }

  /** What was said of a host before may be taken back after what is said of it now. */
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
