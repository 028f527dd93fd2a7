import type { Fenceline } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";
import type { App, RunningLoad } from "../../lab/pod/app.ts";
import { applyFence, readFence, sidecarHosts, untilDirect, untilFenced } from "../mesh/fence.ts";
import { applyServices, numbered, startWorkload, type Workload } from "../mesh/workload.ts";
import { telemetryTo } from "./telemetry.ts";

export const NAMESPACE = "ageing";
/** The fences' idle window, in milliseconds. */
export const WINDOW = 10_000;
/** Services that are called once and then no more. */
export const ONCE: readonly string[] = numbered("once", 20);
/**
 * Called all the time: one a thousand times a second, one a little more often than once a window.
 */
export const USED: readonly string[] = ["used", "rare"];
/** Has requests that take longer than the window. */
export const SLOW = "slow";
/** TCP. */
export const STREAM = "stream";
export const STREAM_PORT = 9_000;

/** A fenced workload, and where its access logs go. */
export interface Caller extends Workload {
  readonly name: string;
  readonly collector: "the leader" | "another collector";
}

export function hostOf(service: string): string {
  return `${service}.${NAMESPACE}.svc.cluster.local`;
}

export function urlOf(service: string): string {
  return `http://${service}.${NAMESPACE}/`;
}

/** One pod behind every service. */
export async function startCallee(lab: Lab): Promise<void> {
  await applyServices(lab, NAMESPACE, [...ONCE, ...USED, SLOW], "b");
  await applyServices(lab, NAMESPACE, [STREAM], "b", [{ name: "tcp", port: STREAM_PORT }]);
  await startWorkload(lab, NAMESPACE, "b", { http: [8_080], echo: [STREAM_PORT] });
}

/**
 * Starts a workload with a fence whose access logs go to the collector that leads, or to one that
 * does not.
 */
export async function startCaller(lab: Lab, fenceline: Fenceline, name: string, collector: Caller["collector"]): Promise<Caller> {
  const workload = await startWorkload(lab, NAMESPACE, name);
  const leader = await lab.until("a leader", () => fenceline.leader());
  const chosen = collector === "the leader" ? leader : fenceline.collectors.find((one) => one !== leader);
  if (chosen === undefined) throw new Error(`there is no ${collector}`);
  await telemetryTo(lab, fenceline.collectors, chosen, workload.pod.envoy, async () => {
    await applyFence(lab, NAMESPACE, name, { idleWindow: `${WINDOW / 1_000}s`, tcp: "learn" });
    await untilFenced(lab, workload);
    for (const service of USED) await untilDirect(lab, workload, urlOf(service));
  });
  return { ...workload, name, collector };
}

/** Loads on the services that are always in use. */
export function startLoads({ app }: { readonly app: App }): Promise<readonly RunningLoad[]> {
  return Promise.all([app.load({ url: urlOf("used") }), app.load({ url: urlOf("rare"), interval: 0.6 * WINDOW })]);
}

/** Services of this suite that a caller's Sidecar shows. */
export async function shown(lab: Lab, { name }: Caller): Promise<ReadonlySet<string>> {
  const hosts = (await sidecarHosts(lab, NAMESPACE, name)) ?? [];
  const prefix = `${NAMESPACE}/`;
  return new Set(hosts.flatMap((host) => (host.startsWith(prefix) ? [host.slice(prefix.length).split(".", 1)[0] ?? ""] : [])));
}

/** Calls each of these services until it is direct, and waits until all are learned. */
export async function untilDirectAll(lab: Lab, caller: Caller, services: readonly string[]): Promise<void> {
  await Promise.all(services.map((service) => untilDirect(lab, caller, urlOf(service))));
  await untilLearned(lab, caller, services);
}

/** Waits until services are in a caller's Sidecar and status. */
export async function untilLearned(lab: Lab, caller: Caller, services: readonly string[]): Promise<void> {
  await lab.until(`${caller.name}'s fence to have ${services.join(", ")}`, async () => {
    const [sidecar, status] = [await shown(lab, caller), await learned(lab, caller)];
    return services.every((service) => sidecar.has(service) && status.has(hostOf(service)));
  });
}

/** Waits until services are neither in a caller's Sidecar nor in its status. */
export async function untilGone(lab: Lab, caller: Caller, services: readonly string[]): Promise<void> {
  const isGone = async () => {
    const [sidecar, status] = [await shown(lab, caller), await learned(lab, caller)];
    return services.every((service) => !sidecar.has(service) && !status.has(hostOf(service)));
  };
  await lab.until(`${services.join(", ")} to leave ${caller.name}'s fence`, isGone, { timeout: 120_000, interval: 100 });
}

/**
 * Hosts of a fence's status, with when they were first seen: a host that was taken out and learned
 * again has a new time.
 */
export async function learned(lab: Lab, { name }: Caller): Promise<ReadonlyMap<string, string | undefined>> {
  const fence = await readFence(lab, NAMESPACE, name);
  return new Map(Object.entries(fence?.status.domains ?? {}).map(([host, { firstSeen }]) => [host, firstSeen]));
}
