import { setTimeout as delay } from "node:timers/promises";
import type { KubernetesClient } from "@fenceline/e2e/lab/kubernetes/client.ts";

/** Kinds that the collector writes, without its Lease. */
const WRITTEN = ["sidecars", "envoyfilters", "servicefences", "services"];
const VERBS = ["POST", "PUT", "PATCH", "APPLY", "DELETE"];
/** Milliseconds between two probes. */
const PROBE_EVERY = 200;
const NAMESPACE = "default";

/** Requests that write, by what they write: `sidecars`, `servicefences/status`. */
export type Writes = ReadonlyMap<string, number>;

/** Writes that the API server has answered since its start, by its own metrics. */
export async function writesSoFar(client: KubernetesClient): Promise<Writes> {
  const text = String(await client.request("GET", "/metrics"));
  const writes = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (!line.startsWith("apiserver_request_total{")) continue;
    const label = (name: string) => new RegExp(`[{,]${name}="([^"]*)"`).exec(line)?.[1] ?? "";
    const resource = label("resource");
    if (!WRITTEN.includes(resource) || !VERBS.includes(label("verb"))) continue;
    const what = label("subresource") === "" ? resource : `${resource}/${label("subresource")}`;
    writes.set(what, (writes.get(what) ?? 0) + Number(line.slice(line.lastIndexOf(" ") + 1)));
  }
  return writes;
}

/** Writes between two readings, without those that are 0. */
export function writesBetween(before: Writes, after: Writes): Writes {
  const grown = [...after].map(([what, count]): [string, number] => [what, count - (before.get(what) ?? 0)]);
  return new Map(grown.filter(([, count]) => count > 0));
}

/** The sum of several kinds. */
export function total(writes: Writes): number {
  return [...writes.values()].reduce((sum, count) => sum + count, 0);
}

/**
 * Measures the API server's own write latency while others write: consecutive server-side applies
 * of an object as large as a Sidecar, of a kind without watches. Returns milliseconds.
 */
export async function probeWrites(client: KubernetesClient, ended: AbortSignal): Promise<readonly number[]> {
  const took: number[] = [];
  for (let round = 0; !ended.aborted; round++) {
    const begin = performance.now();
    await client.apply(probe(round));
    took.push(performance.now() - begin);
    await delay(PROBE_EVERY, undefined, { signal: ended }).catch(() => {});
  }
  return took;
}

function probe(round: number) {
  const hosts = Array.from({ length: 40 }, (_, at) => `host-${at === 0 ? round : at}.team-1.svc.cluster.local`);
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: { namespace: NAMESPACE, name: "probe" },
    spec: { hosts, ports: [{ name: "http", number: 80, protocol: "HTTP" }], resolution: "NONE" },
  };
}
