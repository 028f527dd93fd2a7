import { parkedHosts, type Sidecar, sidecarHosts } from "@fenceline/api";
import { FALLBACK_IDENTITY } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";
import type { RunningLoad } from "../../lab/pod/app.ts";
import type { LoadReport } from "../../pod-app/protocol.ts";
import { applyFence } from "../mesh/fence.ts";
import { sum } from "../mesh/figures.ts";
import { DB_PORT, startWebAndDatabase, type WebAndDatabase } from "../mesh/web-and-database.ts";
import type { Workload } from "../mesh/workload.ts";

export const NAMESPACE = "switch-overs";
/** Fills the fence, so that nothing else is learned by way of the fallback. */
const KEPT = "kept";
/**
 * In every spec: an apply that takes out the last entry of a map leaves null, which no schema
 * takes.
 */
const ALWAYS = "always";
/** Never in a spec: calls to it go by way of the fallback. */
export const COLD = "cold";
/** Milliseconds between two connections. */
const TCP_INTERVAL = 3;

/** A fenced caller, and what it calls. */
export type Scene = WebAndDatabase;

export function startScene(lab: Lab, webs: readonly string[]): Promise<Scene> {
  return startWebAndDatabase(lab, NAMESPACE, [KEPT, COLD, ...webs]);
}

/**
 * Loads on a web service and the database: a request each millisecond, a connection every three.
 */
export function startLoads({ caller, address }: Scene, web: string): Promise<readonly RunningLoad[]> {
  return Promise.all([
    caller.app.load({ url: urlOf(web) }),
    caller.app.load({ host: address, port: DB_PORT, send: "ping", interval: TCP_INTERVAL }),
  ]);
}

/** Has the fence show these services; `mode` as in its spec. */
export async function writeFence(lab: Lab, shown: readonly string[], mode: "Enforce" | "Off" = "Enforce"): Promise<void> {
  const host = Object.fromEntries([ALWAYS, ...shown].map((name) => [hostOf(name), { stable: {} }]));
  const warmUp = { preload: [hostOf(KEPT)], for: "24h" };
  await applyFence(lab, NAMESPACE, "a", { mode, tcp: "learn", maxHosts: 1, warmUp, host });
}

/**
 * Waits until the Sidecar shows these services, or none of them, and calls to the first go that
 * way.
 */
export async function untilShown(lab: Lab, { caller }: Scene, names: readonly string[], shows: boolean): Promise<void> {
  await lab.until("the last step of the Sidecar", async () => {
    const sidecar = await readSidecar(lab);
    if (sidecar === undefined || parkedHosts(sidecar).length > 0) return false;
    const shown = sidecarHosts(sidecar);
    return names.every((name) => shown.includes(`${NAMESPACE}/${hostOf(name)}`) === shows);
  });
  const [first = COLD] = names;
  await untilCalledBy(lab, caller, first, shows ? caller.identity : FALLBACK_IDENTITY);
}

/** Waits until there is no Sidecar, and calls are direct. */
export async function untilUnfenced(lab: Lab, { caller }: Scene): Promise<void> {
  await lab.until("the Sidecar to go", async () => (await readSidecar(lab)) === undefined);
  await untilCalledBy(lab, caller, COLD, caller.identity);
}

/** What failed, and when, of all loads. */
export function failuresIn(loads: readonly LoadReport[]): string {
  return loads.flatMap(({ failures }) => failures.map(({ at, reason }) => `${new Date(at).toISOString()} ${reason}`)).join("; ");
}

export function failedIn(loads: readonly LoadReport[]): number {
  return sum(loads.map(({ failed }) => failed));
}

async function readSidecar(lab: Lab): Promise<Sidecar | undefined> {
  const key = { apiVersion: "networking.istio.io/v1beta1", kind: "Sidecar", metadata: { namespace: NAMESPACE, name: "a" } };
  return (await lab.kubernetes.get(key)) as Sidecar | undefined;
}

function untilCalledBy(lab: Lab, { app }: Workload, name: string, identity: string): Promise<unknown> {
  return lab.until(`${name} to be called by ${identity}`, async () => (await app.echo(urlOf(name))).body.peer === identity);
}

function urlOf(name: string): string {
  return `http://${name}.${NAMESPACE}/`;
}

function hostOf(name: string): string {
  return `${name}.${NAMESPACE}.svc.cluster.local`;
}
