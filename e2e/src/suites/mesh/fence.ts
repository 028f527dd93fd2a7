import assert from "node:assert/strict";
import { type ServiceFence, type Sidecar, sidecarHosts as shownHosts } from "@fenceline/api";
import { FALLBACK_IDENTITY } from "../../fenceline/install.ts";
import type { KubernetesObject } from "../../lab/kubernetes/object.ts";
import type { Lab } from "../../lab/lab.ts";
import type { RouteTable } from "../../lab/pod/envoy-admin.ts";
import type { GrpcCall, HttpCall, LoadReport } from "../../pod-app/protocol.ts";
import type { Workload } from "./workload.ts";

const API_VERSION = "microservice.slime.io/v1alpha1";
/**
 * Milliseconds that a load goes on once it is direct: a request that is lost in the switch-over is
 * lost around then.
 */
const AFTER = 200;

/** Makes or changes the fence of the pods with label `app: <name>`. */
export function applyFence(
  lab: Lab,
  namespace: string,
  name: string,
  spec: Readonly<Record<string, unknown>> = {},
): Promise<KubernetesObject> {
  return lab.kubernetes.apply({
    apiVersion: API_VERSION,
    kind: "ServiceFence",
    metadata: { namespace, name },
    spec: { enable: true, ...spec },
  });
}

/** The fence as it is now. */
export async function readFence(lab: Lab, namespace: string, name: string): Promise<ServiceFence | undefined> {
  return (await lab.kubernetes.get({ apiVersion: API_VERSION, kind: "ServiceFence", metadata: { namespace, name } })) as
    | ServiceFence
    | undefined;
}

/** Hosts that the fence has learned, as its status tells. */
export async function learnedHosts(lab: Lab, namespace: string, name: string): Promise<readonly string[]> {
  const domains = (await readFence(lab, namespace, name))?.status?.domains ?? {};
  return Object.keys(domains).filter((host) => domains[host]?.source === "learned");
}

/** Hosts that the fence's Sidecar shows; undefined when there is none. */
export async function sidecarHosts(lab: Lab, namespace: string, name: string): Promise<readonly string[] | undefined> {
  const found = await lab.kubernetes.get({ apiVersion: "networking.istio.io/v1beta1", kind: "Sidecar", metadata: { namespace, name } });
  return found && shownHosts(found as unknown as Sidecar);
}

/** Waits until the workload's Envoy sends unknown hosts on these ports to the fallback. */
export async function untilFenced(lab: Lab, { pod }: Pick<Workload, "pod">, ports: readonly number[] = [80]): Promise<void> {
  await lab.until(`${pod.spec.name}'s fence to reach its Envoy`, async () => {
    const tables = await pod.envoy.routeTables(`(${ports.join("|")})`);
    return tables.filter(hasFallback).length === ports.length;
  });
}

/** Whether a route table sends unknown hosts to the fallback. */
export function hasFallback({ virtualHosts }: RouteTable): boolean {
  return virtualHosts.some(({ routes }) => routes.some(({ name }) => name === "fenceline-fallback"));
}

/** Whether the workload's Envoy has the on_demand filter. */
export async function hasOnDemand({ pod }: Pick<Workload, "pod">): Promise<boolean> {
  const listeners = await pod.envoy.configDump("?resource=dynamic_listeners");
  return JSON.stringify(listeners).includes("envoy.filters.http.on_demand");
}

/** Calls a host until it answers the workload itself, and not the fallback for it. */
export function untilDirect(lab: Lab, { app, identity }: Workload, call: HttpCall | string): Promise<unknown> {
  const { url } = typeof call === "string" ? { url: call } : call;
  return lab.until(`${url} to be direct`, async () => (await app.echo(call)).body.peer === identity);
}

/** A first call to a host, which has to go by way of the fallback. */
export async function firstCall({ app }: Workload, call: HttpCall | string): Promise<void> {
  const url = typeof call === "string" ? call : call.url;
  assert.equal((await app.echo(call)).body.peer, FALLBACK_IDENTITY, `${url} was not cold`);
}

/**
 * Calls a cold host, up to a thousand times a second unless told otherwise, until it has been
 * direct for a while.
 *
 * @param options.interval milliseconds between two calls
 * @param options.timeout milliseconds until it must have been direct
 */
export async function loadUntilDirect(
  lab: Lab,
  { app, identity }: Workload,
  call: HttpCall | GrpcCall | string,
  { interval = 1, timeout = 30_000 }: { readonly interval?: number; readonly timeout?: number } = {},
): Promise<LoadReport> {
  const one = typeof call === "string" ? { url: call } : call;
  const load = await app.load({ interval, ...one });
  const seen = async () => (await load.report()).peers.find(({ peer }) => peer === identity);
  const isDirect = async () => {
    const direct = await seen();
    return direct !== undefined && direct.lastAt - direct.firstAt > AFTER;
  };
  await lab.until(`${"url" in one ? one.url : one.target} to have been direct for ${AFTER} ms`, isDirect, { timeout });
  return load.stop();
}

/** Milliseconds from the first request of a load to the first one that went direct. */
export function timeToDirect({ peers }: LoadReport, { identity }: Workload): number {
  const direct = peers.find(({ peer }) => peer === identity)?.firstAt ?? Number.NaN;
  return direct - Math.min(...peers.map(({ firstAt }) => firstAt));
}

/**
 * Every failure of these loads: when, in milliseconds after the first direct answer of its load,
 * and why.
 */
export function failuresOf(loads: readonly LoadReport[], { identity }: Workload): string {
  const told = loads.flatMap((load, index) => {
    const direct = load.peers.find(({ peer }) => peer === identity)?.firstAt ?? Number.NaN;
    return load.failures.map(({ at, reason }) => `edge ${index + 1}, ${(at - direct).toFixed(1)} ms: ${reason}`);
  });
  return `sent before (-) or after the first direct one: ${told.join("; ")}`;
}
