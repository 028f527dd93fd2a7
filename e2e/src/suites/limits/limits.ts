/**
 * Rate limits on real Envoys: a limited service answers 200 up to its quota and then 429, exactly,
 * whatever the limit counts by; and what is taken away leaves the Envoy as it was.
 */
import assert from "node:assert/strict";
import { Fenceline } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";
import type { HttpCall } from "../../pod-app/protocol.ts";
import { applyServices, startWorkload, type Workload } from "../mesh/workload.ts";
import { configurationOf, differences } from "../removal/envoy-configuration.ts";
import type { Report, Suite } from "../suite.ts";
import { CASES, limiterObject, passes, type RuleCase, ruleObject } from "./rules.ts";

const NAMESPACE = "limits";
const OTHER = "limits-other";
const LIMITED = 429;
const PORT = 8_080;
const URL = `http://b.${NAMESPACE}`;
/**
 * A connection that is open when a listener changes keeps its routes until it is drained: 45 s with
 * Istio's own setting.
 */
const SHORT_DRAIN = { proxy: { config: { drainDuration: "1s" } } };
const SERVICES = [`a.${NAMESPACE}`, `b.${NAMESPACE}`, `free.${OTHER}`].map((service) => `${service}.svc.cluster.local`);
const OUTBOUND_HOST = `free.${OTHER}.svc.cluster.local:80`;

export const limits: Suite = { name: "limits", run };

async function run(lab: Lab, report: Report): Promise<void> {
  await report.step("Fenceline is installed", () => Fenceline.install(lab));
  for (const namespace of [NAMESPACE, OTHER]) await lab.namespace(namespace);
  const { a, b } = await report.step("caller a and callees b and free start", () => startPods(lab));
  const before = await configurationOf(b.pod.envoy);
  const beforeOfCaller = await configurationOf(a.pod.envoy);
  await inbound(lab, report, a, b);
  await report.step("one quota for each value of a header, and none for calls without it", () => perValue(lab, a, b));
  await report.step("a shadow counts, and refuses nothing", () => shadow(lab, a, b));
  await report.step("a share of each pod follows pods that come and go", () => average(lab, report, b));
  await outbound(lab, report, a);
  await report.step("a limiter that becomes invalid changes nothing, and says so", () => invalid(lab, b));
  await report.step("without its limiters the Envoys are as they were", async () => {
    for (const name of ["b", "a"]) await remove(lab, NAMESPACE, name);
    await untilAs(lab, b, before);
    await untilAs(lab, a, beforeOfCaller);
  });
}

async function startPods(lab: Lab): Promise<{ readonly a: Workload; readonly b: Workload }> {
  await applyServices(lab, NAMESPACE, ["b"], "b");
  await applyServices(lab, NAMESPACE, ["a"], "a");
  await applyServices(lab, OTHER, ["free"], "free");
  const [b] = await Promise.all([
    startWorkload(lab, NAMESPACE, "b", { http: [PORT] }, SHORT_DRAIN),
    startWorkload(lab, OTHER, "free", { http: [PORT] }),
  ]);
  const a = await startWorkload(lab, NAMESPACE, "a", {}, SHORT_DRAIN);
  await a.app.echo(`${URL}/`);
  await a.app.echo(`http://free.${OTHER}/`);
  for (const { pod } of [a, b])
    await lab.until("the Envoys to know all pods", async () => {
      const known = await pod.envoy.clustersWithEndpoints();
      return SERVICES.every((host) => known.includes(`outbound|80||${host}`));
    });
  return { a, b };
}

async function inbound(lab: Lab, report: Report, a: Workload, b: Workload): Promise<void> {
  await report.step("a port: 5 of 8 calls get through", async () => {
    await limit(lab, b, "b", { target: { port: PORT }, sets: sets(ruleObject(5)) }, [5]);
    assert.deepEqual(await statuses(a, 8, {}), { 200: 5, [LIMITED]: 3 });
  });
  await report.step("another port of the same workload is not limited", async () => {
    await limit(lab, b, "b", { target: { port: PORT + 1 }, sets: sets(ruleObject(5)) }, []);
    assert.deepEqual(await statuses(a, 8, {}), { 200: 8 });
  });
  const rules = CASES.map(({ name, match, quota, action }) => ruleObject(quota, { name, match }, action));
  await limit(
    lab,
    b,
    "b",
    { target: { port: PORT }, sets: sets(...rules) },
    CASES.map(({ quota }) => quota),
  );
  for (const each of CASES)
    await report.step(`${each.title}: ${passes(each)} calls get through, and others all`, () => countedAlone(a, each));
}

async function countedAlone(a: Workload, each: RuleCase): Promise<void> {
  const count = passes(each);
  assert.deepEqual(await statuses(a, count + 2, each.counted), { 200: count, [LIMITED]: 2 });
  for (const other of each.others) assert.deepEqual(await statuses(a, count + 2, other), { 200: count + 2 });
}

async function perValue(lab: Lab, a: Workload, b: Workload): Promise<void> {
  const rule = ruleObject(2, { name: "each-user", match: [{ name: "x-user", distinct: true }] }, { rateLimitHeaders: true });
  await limit(lab, b, "b", { target: { port: PORT }, sets: sets(rule) }, [2]);
  for (const user of ["one", "two", "three"])
    assert.deepEqual(await statuses(a, 3, { headers: { "x-user": user } }), { 200: 2, [LIMITED]: 1 });
  assert.deepEqual(await statuses(a, 4, {}), { 200: 4 });
  const { headers } = await a.app.call({ url: `${URL}/`, headers: { "x-user": "one" } });
  assert.equal(headers["x-ratelimit-limit"]?.startsWith("2"), true, JSON.stringify(headers));
}

async function shadow(lab: Lab, a: Workload, b: Workload): Promise<void> {
  await limit(lab, b, "b", { target: { port: PORT }, sets: sets(ruleObject(1, { name: "shadow" }, { shadow: true })) }, [1]);
  assert.deepEqual(await statuses(a, 5, {}), { 200: 5 });
}

async function average(lab: Lab, report: Report, b: Workload): Promise<void> {
  const rule = ruleObject("100/{{._base.pod}}", { name: "share" }, { strategy: "average" });
  await limit(lab, b, "b", { target: { port: PORT }, sets: sets(rule) }, [100]);
  const second = await lab.pod({ namespace: NAMESPACE, name: "b-2", labels: { app: "b" }, serviceAccount: "b" });
  const start = performance.now();
  await second.setReady(true);
  await untilQuotas(lab, b, [50]);
  report.figure("pod ready → quota in its Envoy", performance.now() - start, "ms");
  await second.delete();
  await untilQuotas(lab, b, [100]);
}

async function outbound(lab: Lab, report: Report, a: Workload): Promise<void> {
  const target = { direction: "outbound", host: [OUTBOUND_HOST] };
  await report.step("calls of a to a whole host: 3 of 5 get through, to another host all", async () => {
    await limit(lab, a, "a", { target, sets: sets(ruleObject(3)) }, [3]);
    assert.deepEqual(await statuses(a, 5, {}, `http://free.${OTHER}`), { 200: 3, [LIMITED]: 2 });
    assert.deepEqual(await statuses(a, 5, { headers: { "x-user": "four" } }), { 200: 5 });
  });
  await report.step("a route and its host both count", async () => {
    const route = ruleObject(2, {
      name: "route",
      target: { direction: "outbound", route: [`${OUTBOUND_HOST}/default`] },
      match: [{ name: "x-route", present_match: true }],
    });
    await limit(lab, a, "a", { target, sets: sets(ruleObject(6, { name: "host" }), route) }, [2, 6]);
    assert.deepEqual(await statuses(a, 3, { headers: { "x-route": "yes" } }, `http://free.${OTHER}`), { 200: 2, [LIMITED]: 1 });
    const { 200: passed = 0 } = await statuses(a, 6, {}, `http://free.${OTHER}`);
    // Envoy asks the filters one after the other: a call that the route's refused may have cost the
    // host's a token.
    assert.ok(passed === 3 || passed === 4, `${passed} calls got through`);
  });
}

async function invalid(lab: Lab, b: Workload): Promise<void> {
  const spec = { target: { port: PORT }, sets: sets(ruleObject("100/{{._base.pods}}", { name: "share" }, { strategy: "average" })) };
  await lab.kubernetes.apply(limiterObject(NAMESPACE, "b", spec));
  await lab.until("the limiter to say that it is invalid", async () => {
    const status = await statusOf(lab, "b");
    return (
      status.conditions?.some(
        ({ type, status: value, message }) => type === "Accepted" && value === "False" && message.includes("_base.pods"),
      ) === true
    );
  });
  assert.deepEqual(await quotasIn(b), [100]);
}

function sets(...rules: readonly object[]) {
  return { _base: { descriptor: rules } };
}

/**
 * Writes a limiter, and waits until the Envoy of its pod has these quotas and no others, for every
 * connection.
 */
async function limit(lab: Lab, { pod }: Workload, name: string, spec: object, quotas: readonly number[]): Promise<void> {
  await lab.kubernetes.apply(limiterObject(NAMESPACE, name, spec));
  await untilQuotas(lab, { pod }, quotas);
  await lab.until("listeners to be changed and connections of before to be gone", async () => {
    const stats = await pod.envoy.stats("^listener_manager\\.total_(listeners_warming|listeners_draining|filter_chains_draining)$");
    const values = Object.values(stats);
    return values.length === 3 && values.every((value) => value === 0);
  });
}

async function untilQuotas(lab: Lab, workload: Pick<Workload, "pod">, quotas: readonly number[]): Promise<void> {
  const wanted = [...quotas].sort((x, y) => x - y);
  await lab.until(`quotas ${wanted.join(", ") || "none"}`, async () => {
    const found = await quotasIn(workload);
    return found.length === wanted.length && found.every((quota, index) => quota === wanted[index]);
  });
}

/** Quotas of descriptors that the Envoy has, in order. */
async function quotasIn({ pod }: Pick<Workload, "pod">): Promise<readonly number[]> {
  const dump = JSON.stringify(await pod.envoy.configDump());
  const routes = (JSON.parse(dump) as readonly object[]).flatMap((section) => descriptorsIn(section));
  return [...new Map(routes.map(({ id, quota }) => [id, quota])).values()].sort((x, y) => x - y);
}

interface Found {
  readonly id: string;
  readonly quota: number;
}

function descriptorsIn(value: unknown): readonly Found[] {
  if (typeof value !== "object" || value === null) return [];
  const { entries, token_bucket: bucket } = value as {
    readonly entries?: unknown;
    readonly token_bucket?: { readonly max_tokens?: number };
  };
  const own = Array.isArray(entries) && bucket?.max_tokens !== undefined ? [{ id: JSON.stringify(entries), quota: bucket.max_tokens }] : [];
  return [...own, ...Object.values(value).flatMap(descriptorsIn)];
}

/** How many of some calls got which status. */
async function statuses(
  { app }: Workload,
  count: number,
  { path = "/", ...call }: Omit<HttpCall, "url"> & { readonly path?: string },
  base = URL,
): Promise<Readonly<Record<number, number>>> {
  const found: Record<number, number> = {};
  for (let index = 0; index < count; index += 1) {
    const { status } = await app.call({ ...call, url: `${base}${path}` });
    found[status] = (found[status] ?? 0) + 1;
  }
  return found;
}

interface LimiterStatus {
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message: string }[];
}

async function statusOf(lab: Lab, name: string): Promise<LimiterStatus> {
  const { status = {} } = ((await lab.kubernetes.get(limiterObject(NAMESPACE, name, {}))) ?? {}) as { readonly status?: LimiterStatus };
  return status;
}

async function remove(lab: Lab, namespace: string, name: string): Promise<void> {
  await lab.kubernetes.delete(limiterObject(namespace, name, {}));
}

async function untilAs(lab: Lab, { pod }: Workload, before: Awaited<ReturnType<typeof configurationOf>>): Promise<void> {
  await lab.until("the Envoy to be as it was", async () => differences(before, await configurationOf(pod.envoy)).length === 0);
}
