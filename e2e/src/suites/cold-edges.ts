/** A fenced workload calls services it never called: nothing fails, and the calls go direct soon. */
import assert from "node:assert/strict";
import { installFenceline } from "../fenceline/install.ts";
import { serviceObject } from "../lab/kubernetes/manifests.ts";
import type { Lab } from "../lab/lab.ts";
import { App } from "../lab/pod/app.ts";
import type { Pod } from "../lab/pod/pod.ts";
import type { LoadReport } from "../pod-app/protocol.ts";
import type { Report, Suite } from "./suite.ts";

const NAMESPACE = "cold-edges";
const EDGES = 20;
const CALLER = `spiffe://cluster.local/ns/${NAMESPACE}/sa/a`;
const FALLBACK = "spiffe://cluster.local/ns/fenceline/sa/global-sidecar";
/** Milliseconds that the load goes on once it is direct: a request that is lost in the switch-over is lost around then. */
const AFTER = 200;

export const coldEdges: Suite = { name: "cold-edges", run };

async function run(lab: Lab, report: Report): Promise<void> {
  await report.step("Fenceline starts", () => installFenceline(lab));
  await lab.namespace(NAMESPACE);
  const { app, pod } = await report.step("a caller and a callee with many names start", () => startPods(lab));
  await report.step("a fence without hosts reaches the caller's Envoy, and a first call goes through the fallback", () =>
    fenceCaller(lab, pod, app),
  );
  const start = performance.now();
  await report.step("the on_demand filter reaches the caller's Envoy", () => onDemandFilter(lab, pod));
  report.figure("first direct request → on_demand filter in Envoy", performance.now() - start, "ms");
  const loads: LoadReport[] = [];
  await report.step(`${EDGES} cold edges, each called once a millisecond until it is direct`, async () => {
    for (let edge = 1; edge <= EDGES; edge++) loads.push(await callUntilDirect(lab, app, `http://s${edge}.${NAMESPACE}/`));
  });
  const failed = sum(loads.map((load) => load.failed));
  const times = loads.map(timeToDirect).sort((one, other) => one - other);
  const percentile = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  report.figure("first request → first direct one, p50", percentile(0.5), "ms");
  report.figure("first request → first direct one, longest", percentile(1), "ms");
  report.figure("requests", sum(loads.map(({ sent }) => sent)));
  report.figure("requests skipped because 32 were in flight", sum(loads.map(({ skipped }) => skipped)));
  report.figure("answered after, p50 of the median load", medianOf(loads.map(({ p50 }) => p50)), "ms");
  report.figure("answered after, p99 of the median load", medianOf(loads.map(({ p99 }) => p99)), "ms");
  report.figure("failed requests", failed);
  await report.step("no request failed", async () => assert.equal(failed, 0, failures(loads)));
}

async function startPods(lab: Lab): Promise<{ readonly pod: Pod; readonly app: App }> {
  const port = { name: "http", port: 80, targetPort: 8_080 };
  const names = Array.from({ length: EDGES + 1 }, (_, index) => `s${index}`);
  await Promise.all(names.map((name) => lab.kubernetes.apply(serviceObject(NAMESPACE, name, [port], { selector: { app: "b" } }))));
  const [pod, callee] = [await lab.pod({ namespace: NAMESPACE, name: "a" }), await lab.pod({ namespace: NAMESPACE, name: "b" })];
  await App.start(callee, { http: [8_080] });
  await callee.setReady(true);
  const app = await App.start(pod, {});
  await pod.setReady(true);
  return { pod, app };
}

async function fenceCaller(lab: Lab, pod: Pod, app: App): Promise<void> {
  await lab.kubernetes.apply({
    apiVersion: "microservice.netease.com/v1alpha1",
    kind: "ServiceFence",
    metadata: { namespace: NAMESPACE, name: "a" },
    spec: { enable: true },
  });
  await lab.until("the fence to hide s0", async () => {
    const [table] = await pod.envoy.routeTables("80");
    const names = table?.virtualHosts.flatMap(({ routes }) => routes.map(({ name }) => name)) ?? [];
    const domains = table?.virtualHosts.flatMap((host) => host.domains) ?? [];
    return names.includes("fenceline-fallback") && !domains.includes(`s0.${NAMESPACE}.svc.cluster.local`);
  });
  const { body } = await app.echo(`http://s0.${NAMESPACE}/`);
  assert.equal(body.peer, FALLBACK);
  await lab.until("s0 to be direct", async () => (await app.echo(`http://s0.${NAMESPACE}/`)).body.peer === CALLER);
}

/**
 * The filter that lets a request wait for its cluster is rendered once the proxy's version is known, from the first access logs of its own: they
 * are sent a second later. Switch-overs before that may lose a request, so they are not what is measured here.
 */
async function onDemandFilter(lab: Lab, pod: Pod): Promise<void> {
  await lab.until("the on_demand filter", async () =>
    JSON.stringify(await pod.envoy.configDump("?resource=dynamic_listeners")).includes("envoy.filters.http.on_demand"),
  );
}

async function callUntilDirect(lab: Lab, app: App, url: string): Promise<LoadReport> {
  const load = await app.load({ url });
  const direct = await lab.until(`${url} to be direct`, async () => (await load.report()).peers.find(({ peer }) => peer === CALLER), {
    timeout: 10_000,
  });
  await lab.until("the load to go on", async () => {
    const seen = (await load.report()).peers.find(({ peer }) => peer === CALLER);
    return seen !== undefined && seen.lastAt - direct.firstAt > AFTER;
  });
  return load.stop();
}

function timeToDirect({ peers }: LoadReport): number {
  const direct = peers.find(({ peer }) => peer === CALLER)?.firstAt ?? Number.NaN;
  return direct - Math.min(...peers.map(({ firstAt }) => firstAt));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}

/** When they failed, in milliseconds after the first direct answer of their load, and why. */
function failures(loads: readonly LoadReport[]): string {
  const told = loads.flatMap((load, index) => {
    const direct = load.peers.find(({ peer }) => peer === CALLER)?.firstAt ?? Number.NaN;
    return load.failures.map(({ at, reason }) => `edge ${index + 1}, ${(at - direct).toFixed(1)} ms: ${reason}`);
  });
  return `sent before (-) or after the first direct one: ${told.join("; ")}`;
}
