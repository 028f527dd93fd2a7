/**
 * The first request to a host that a fenced workload never called: whatever it is, it is answered.
 */
import assert from "node:assert/strict";
import { FALLBACK_IDENTITY, Fenceline } from "../fenceline/install.ts";
import type { Lab } from "../lab/lab.ts";
import type { Echo, HttpAnswer, HttpCall } from "../pod-app/protocol.ts";
import { applyFence, untilFenced } from "./mesh/fence.ts";
import { percentile } from "./mesh/figures.ts";
import { hasRoutes, untilMeshKnows } from "./mesh/routes.ts";
import { applyServices, numbered, startWorkload, type Workload } from "./mesh/workload.ts";
import type { Report, Suite } from "./suite.ts";

const NAMESPACE = "first-requests";
const EDGES = 200;
/** Requests of the second half are sent so many at once, each to another cold host. */
const AT_ONCE = 20;

/**
 * Every method but CONNECT and TRACE, which the global sidecar refuses; PROPFIND and REPORT stand
 * for those of WebDAV.
 */
const WITHOUT_BODY = ["GET", "HEAD", "OPTIONS", "DELETE", "PROPFIND"];
const WITH_BODY = ["POST", "PUT", "PATCH", "DELETE", "REPORT"];
const BODIES = [{ bodyBytes: 0 }, { bodyBytes: 1_000 }, { bodyBytes: 1_000_000 }, { bodyBytes: 100_000, chunked: true }];

const REQUESTS: readonly Omit<HttpCall, "url">[] = [
  ...WITHOUT_BODY.map((method) => ({ method })),
  ...WITH_BODY.flatMap((method) => BODIES.map((body) => ({ method, ...body }))),
];

export const firstRequests: Suite = { name: "first-requests", run };

async function run(lab: Lab, report: Report): Promise<void> {
  const fenceline = await report.step("Fenceline is installed", () => Fenceline.install(lab));
  await lab.namespace(NAMESPACE);
  const names = numbered("s", EDGES);
  const caller = await report.step(`a caller, and a callee with ${EDGES} names, start`, () => startPods(lab, names));
  const hosts = names.map((name) => `${name}.${NAMESPACE}.svc.cluster.local`);
  await report.step("the mesh knows all of them", () => untilMeshKnows(lab, fenceline, hosts));
  await report.step("a fence without hosts reaches the caller's Envoy", async () => {
    await applyFence(lab, NAMESPACE, "a");
    await untilFenced(lab, caller);
  });
  const calls = names.map((name, index) => ({ ...REQUESTS[index % REQUESTS.length], url: `http://${name}.${NAMESPACE}/` }));
  const failures: string[] = [];
  const times: number[] = [];
  const first = async (call: HttpCall) => {
    const answer = await caller.app.call(call).catch((error: Error) => error);
    const failure = answer instanceof Error ? answer.message : faultOf(call, answer);
    if (failure !== undefined) failures.push(`${call.method} ${call.url} with ${call.bodyBytes ?? "no"} bytes: ${failure}`);
    if (!(answer instanceof Error)) times.push(answer.took);
  };
  const half = calls.length / 2;
  await report.step(`${half} first requests, one after the other: ${REQUESTS.length} kinds of method and body`, async () => {
    for (const call of calls.slice(0, half)) await first(call);
  });
  await report.step(`${half} more, ${AT_ONCE} at once`, async () => {
    for (let begin = half; begin < calls.length; begin += AT_ONCE) await Promise.all(calls.slice(begin, begin + AT_ONCE).map(first));
  });
  report.figure("first requests", calls.length);
  report.figure("failed first requests", failures.length);
  report.figure("first request answered after, p50", percentile(times, 0.5), "ms");
  report.figure("first request answered after, p99", percentile(times, 0.99), "ms");
  await report.step("each went by way of the fallback and was answered whole", async () => assert.deepEqual(failures, []));
  await report.step("all of them become direct: the caller's Envoy has a route to every one", () =>
    lab.until("the routes", () => hasRoutes(caller.pod, hosts)),
  );
}

async function startPods(lab: Lab, names: readonly string[]): Promise<Workload> {
  await applyServices(lab, NAMESPACE, names, "b");
  await startWorkload(lab, NAMESPACE, "b", { http: [8_080] });
  return startWorkload(lab, NAMESPACE, "a");
}

/** What is wrong with the answer; undefined when nothing is. */
function faultOf({ method = "GET", bodyBytes = 0 }: HttpCall, { status, headers, body }: HttpAnswer): string | undefined {
  if (status !== 200) return `status ${status}, ${JSON.stringify(body)}`;
  if (headers["x-peer"] !== FALLBACK_IDENTITY) return `the callee was called by ${headers["x-peer"]}`;
  if (method === "HEAD") return undefined;
  const echo = body as Echo;
  if (echo.method !== method) return `the callee got ${echo.method}`;
  return echo.received === bodyBytes ? undefined : `the callee got ${echo.received} bytes`;
}
