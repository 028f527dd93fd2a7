import { readFileSync } from "node:fs";
import type { ServiceFence, Sidecar } from "@fenceline/api";
import type { Fenceline } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";
import type { LoadReport } from "../../pod-app/protocol.ts";
import { percentile } from "../mesh/figures.ts";
import type { Workload } from "../mesh/workload.ts";
import type { Report } from "../suite.ts";

/** When each host came where, in milliseconds since 1970. */
export interface Sightings {
  readonly fence: ReadonlyMap<string, number>;
  readonly sidecar: ReadonlyMap<string, number>;
  stop(): void;
}

/** Watches the fences and Sidecars of a namespace, from outside of Fenceline. */
export async function watchHosts(lab: Lab, namespace: string): Promise<Sightings> {
  const fence = new Map<string, number>();
  const sidecar = new Map<string, number>();
  const see = (seen: Map<string, number>, hosts: readonly string[]) => {
    const now = performance.timeOrigin + performance.now();
    for (const host of hosts) if (!seen.has(host)) seen.set(host, now);
  };
  const stops = [
    await lab.kubernetes.watch("microservice.slime.io/v1alpha1", "ServiceFence", namespace, ({ object }) =>
      see(fence, Object.keys((object as Partial<ServiceFence>).status?.domains ?? {})),
    ),
    await lab.kubernetes.watch("networking.istio.io/v1beta1", "Sidecar", namespace, ({ object }) =>
      see(
        sidecar,
        ((object as Partial<Sidecar>).spec?.egress.at(-1)?.hosts ?? []).map((host) => host.slice(host.indexOf("/") + 1)),
      ),
    ),
  ];
  const stop = () => {
    for (const end of stops) end();
  };
  return { fence, sidecar, stop };
}

/**
 * When a collector first heard of each host, by its own log: that a report has arrived shows
 * nowhere else.
 */
export function reportedAt({ collectors }: Fenceline): ReadonlyMap<string, number> {
  const lines = collectors.flatMap((pod) => readFileSync(pod.container("collector").logFile, "utf8").split("\n"));
  const learned = lines
    .filter((line) => line.includes('"edge learned"'))
    .map((line) => JSON.parse(line) as { readonly time: string; readonly host: string })
    .map(({ time, host }) => [host, Date.parse(time)] as const);
  return new Map(learned.toSorted(([, one], [, other]) => other - one));
}

/** Prints where the time went, from a host's first request to its first direct one. */
export function reportStages(
  report: Report,
  { identity }: Workload,
  loads: ReadonlyMap<string, LoadReport>,
  reported: ReadonlyMap<string, number>,
  { fence, sidecar }: Sightings,
): void {
  const stages = [...loads].map(([host, { peers }]) => {
    const first = Math.min(...peers.map(({ firstAt }) => firstAt));
    const direct = peers.find(({ peer }) => peer === identity)?.firstAt ?? Number.NaN;
    const times = [first, reported.get(host), fence.get(host), sidecar.get(host), direct].map((time) => time ?? Number.NaN);
    return times.slice(1).map((time, index) => time - (times[index] ?? Number.NaN));
  });
  for (const [index, name] of STAGES.entries()) {
    // A watch that broke off has not seen the rest.
    const times = stages.map((stage) => stage[index] ?? Number.NaN).filter(Number.isFinite);
    if (times.length < stages.length) report.figure(`${name}, seen of ${stages.length}`, times.length);
    report.figure(`${name}, p50`, percentile(times, 0.5), "ms");
    report.figure(`${name}, p99`, percentile(times, 0.99), "ms");
  }
}

const STAGES = [
  "report: first request → edge in a collector",
  "fence: → host in the fence's status",
  "Sidecar: → host in the Sidecar",
  "Envoy: → first direct request",
];
