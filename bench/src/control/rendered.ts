import { hostOfEgress, type Sidecar, sidecarHosts } from "@fenceline/api";
import type { KubernetesClient } from "@fenceline/e2e/lab/kubernetes/client.ts";
import type { WatchEvent } from "@fenceline/e2e/lab/kubernetes/watch.ts";
import { until } from "@fenceline/e2e/lab/until.ts";
import type { Place } from "./mesh.ts";

interface Awaited {
  readonly host: string;
  readonly arrived: (at: number) => void;
}

/** Watches rendered objects like istiod: how many there are, and when a host appears. */
export class Rendered {
  readonly #sidecars = new Set<string>();
  readonly #filters = new Set<string>();
  readonly #awaited = new Map<string, Awaited[]>();
  readonly #client: KubernetesClient;
  readonly #signal: AbortSignal;
  readonly #ends = new Map<string, () => void>();
  #isClosed = false;

  private constructor(client: KubernetesClient, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
  }

  static async watch(client: KubernetesClient, signal: AbortSignal): Promise<Rendered> {
    const rendered = new Rendered(client, signal);
    await rendered.#watch("networking.istio.io/v1", "Sidecar", (event) => rendered.#sidecar(event));
    await rendered.#watch("networking.istio.io/v1alpha3", "EnvoyFilter", (event) => count(rendered.#filters, event));
    return rendered;
  }

  get sidecars(): number {
    return this.#sidecars.size;
  }

  get envoyFilters(): number {
    return this.#filters.size;
  }

  /** Number of awaited hosts that are not there. */
  get missing(): number {
    return [...this.#awaited.values()].reduce((sum, awaited) => sum + awaited.length, 0);
  }

  /** Calls back once when a fence's Sidecar has a host. */
  whenShown(fence: Place, host: string, arrived: (at: number) => void): void {
    const awaited = this.#awaited.get(keyOf(fence)) ?? [];
    awaited.push({ host, arrived });
    this.#awaited.set(keyOf(fence), awaited);
  }

  /** Stops waiting for missing hosts. */
  forget(): void {
    this.#awaited.clear();
  }

  close(): void {
    this.#isClosed = true;
    for (const end of this.#ends.values()) end();
  }

  /** For a while after a kind is created, the API server refuses watches (429), or ends them. */
  async #watch(apiVersion: string, kind: string, tell: (event: WatchEvent) => void): Promise<void> {
    const again = () => void this.#watch(apiVersion, kind, tell).catch(() => {});
    if (this.#isClosed) return;
    const look = () => this.#client.watch(apiVersion, kind, undefined, tell, again);
    const end = await until(`a watch of ${kind}`, look, { signal: this.#signal, interval: 200 });
    if (this.#isClosed) end();
    else this.#ends.set(kind, end);
  }

  #sidecar(event: WatchEvent): void {
    const key = count(this.#sidecars, event);
    const awaited = this.#awaited.get(key);
    if (awaited === undefined) return;
    const now = performance.now();
    const shown = new Set(sidecarHosts(event.object as unknown as Sidecar).map(hostOfEgress));
    const left = awaited.filter(({ host }) => !shown.has(host));
    if (left.length === 0) this.#awaited.delete(key);
    else this.#awaited.set(key, left);
    for (const { host, arrived } of awaited) if (shown.has(host)) arrived(now);
  }
}

function count(known: Set<string>, { type, object: { metadata } }: WatchEvent): string {
  const key = keyOf({ namespace: metadata.namespace ?? "", name: metadata.name });
  if (type === "DELETED") known.delete(key);
  else known.add(key);
  return key;
}

function keyOf({ namespace, name }: Place): string {
  return `${namespace}/${name}`;
}
