import { parkedHosts, type Sidecar, sidecarHosts } from "@fenceline/api";
import { FALLBACK_IDENTITY } from "../../fenceline/install.ts";
import { peerAuthentication, serviceObject } from "../../lab/kubernetes/manifests.ts";
import type { Lab } from "../../lab/lab.ts";
import type { RunningLoad } from "../../lab/pod/app.ts";
import type { LoadReport } from "../../pod-app/protocol.ts";
import { applyFence } from "../mesh/fence.ts";
import { sum } from "../mesh/figures.ts";
import { applyServices, startWorkload, type Workload } from "../mesh/workload.ts";

export const NAMESPACE = "switch-overs";
/** Fills the fence, so that nothing is learned, and hosts come and go as its spec says. */
const KEPT = "kept";
const WEB = "web";
const DB = "db";
const DB_PORT = 9_000;
const BOTH = [WEB, DB] as const;
/** Milliseconds between two connections. */
const TCP_INTERVAL = 3;

/** A fenced caller, and what it calls. */
export interface Scene {
  readonly caller: Workload;
  /** Of the TCP service. */
  readonly address: string;
}

/**
 * Starts them. Calls that the caller's Envoy has no cluster for are answered all the same: by way of
 * the fallback, or in plain text by way of Istio's passthrough and a rule as kube-proxy makes it.
 */
export async function startScene(lab: Lab): Promise<Scene> {
  await lab.namespace(NAMESPACE);
  await lab.kubernetes.apply(peerAuthentication(NAMESPACE, "PERMISSIVE"));
  await applyServices(lab, NAMESPACE, [KEPT, WEB], "b");
  const service = serviceObject(NAMESPACE, DB, [{ name: "tcp", port: DB_PORT }], { selector: { app: "b" } });
  const { spec } = (await lab.kubernetes.apply(service)) as { spec?: { clusterIP?: string } };
  const address = spec?.clusterIP ?? "";
  const callee = await startWorkload(lab, NAMESPACE, "b", { http: [8_080], echo: [DB_PORT] });
  const caller = await startWorkload(lab, NAMESPACE, "a");
  await caller.pod.serveClusterIP({ address, port: DB_PORT }, { address: callee.pod.address, port: DB_PORT });
  return { caller, address };
}

/** Loads on both services: a request each millisecond, a connection every three. */
export function startLoads({ caller, address }: Scene): Promise<readonly RunningLoad[]> {
  return Promise.all([
    caller.app.load({ url: `http://${WEB}.${NAMESPACE}/` }),
    caller.app.load({ host: address, port: DB_PORT, send: "ping", interval: TCP_INTERVAL }),
  ]);
}

/** Has the fence show both services, or neither; `mode` as in its spec. */
export async function writeFence(lab: Lab, shows: boolean, mode: "Enforce" | "Off" = "Enforce"): Promise<void> {
  const host = Object.fromEntries((shows ? BOTH : []).map((name) => [hostOf(name), { stable: {} }]));
  const warmUp = { preload: [hostOf(KEPT)], for: "24h" };
  await applyFence(lab, NAMESPACE, "a", { mode, tcp: "learn", maxHosts: 1, warmUp, host });
}

/** Waits until the switch-over is over, in the Sidecar and for calls. */
export async function untilShown(lab: Lab, { caller }: Scene, shows: boolean): Promise<void> {
  await lab.until("the last step of the Sidecar", async () => {
    const sidecar = await readSidecar(lab);
    if (sidecar === undefined || parkedHosts(sidecar).length > 0) return false;
    const shown = sidecarHosts(sidecar);
    return BOTH.every((name) => shown.includes(`${NAMESPACE}/${hostOf(name)}`) === shows);
  });
  await untilCalledBy(lab, caller, shows ? caller.identity : FALLBACK_IDENTITY);
}

/** Waits until there is no Sidecar, and calls are direct. */
export async function untilUnfenced(lab: Lab, { caller }: Scene): Promise<void> {
  await lab.until("the Sidecar to go", async () => (await readSidecar(lab)) === undefined);
  await untilCalledBy(lab, caller, caller.identity);
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

function untilCalledBy(lab: Lab, { app }: Workload, identity: string): Promise<unknown> {
  const url = `http://${WEB}.${NAMESPACE}/`;
  return lab.until(`${url} to be called by ${identity}`, async () => (await app.echo(url)).body.peer === identity);
}

function hostOf(name: string): string {
  return `${name}.${NAMESPACE}.svc.cluster.local`;
}
