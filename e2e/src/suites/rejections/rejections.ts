/**
 * Configuration that Envoys refuse is told by the fences and limiters of their workloads, in
 * Envoy's own words, and no more once it is gone, also where istiod forgets it before.
 */
import assert from "node:assert/strict";
import { type Condition, parkedHosts, type Sidecar } from "@fenceline/api";
import { Fenceline } from "../../fenceline/install.ts";
import type { KubernetesObject } from "../../lab/kubernetes/object.ts";
import type { Lab } from "../../lab/lab.ts";
import { limiterObject, ruleObject } from "../limits/rules.ts";
import { applyFence, readFence, untilDirect, untilFenced } from "../mesh/fence.ts";
import { applyServices, startWorkload, type Workload } from "../mesh/workload.ts";
import type { Report, Suite } from "../suite.ts";

const NAMESPACE = "rejections";
const TYPE = "AcceptedByProxies";
/** Milliseconds: Envoy is told, refuses, and istiod is asked every five seconds. */
const TIMEOUT = 60_000;

/** What Envoy refuses, each as its own type of configuration. */
const REFUSED = {
  CDS: {
    applyTo: "CLUSTER",
    match: { context: "SIDECAR_OUTBOUND" },
    patch: { operation: "MERGE", value: { lb_policy: "CLUSTER_PROVIDED" } },
  },
  LDS: {
    applyTo: "HTTP_FILTER",
    match: {
      context: "SIDECAR_OUTBOUND",
      listener: { filterChain: { filter: { name: "envoy.filters.network.http_connection_manager" } } },
    },
    patch: {
      operation: "INSERT_BEFORE",
      value: {
        name: "broken",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
          default_source_code: { inline_string: "function envoy_on_request(" },
        },
      },
    },
  },
  RDS: {
    applyTo: "ROUTE_CONFIGURATION",
    match: { context: "SIDECAR_OUTBOUND", routeConfiguration: { name: "80" } },
    patch: {
      operation: "MERGE",
      value: {
        virtual_hosts: [{ name: "second", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "PassthroughCluster" } }] }],
      },
    },
  },
} as const;

/** Of one host alone, so that the Envoy takes the clusters of others. */
const REFUSED_HOST = {
  ...REFUSED.CDS,
  match: { context: "SIDECAR_OUTBOUND", cluster: { service: `b.${NAMESPACE}.svc.cluster.local` } },
};

export const rejections: Suite = { name: "rejections", run };

async function run(lab: Lab, report: Report): Promise<void> {
  await report.step("Fenceline is installed", () => Fenceline.install(lab));
  const a = await report.step("two workloads are fenced, and their proxies refuse nothing", () => startFenced(lab));
  for (const [type, patch] of Object.entries(REFUSED))
    await report.step(`what is refused as ${type} is told by fence and limiter of that workload alone, in Envoy's words`, async () => {
      const start = performance.now();
      await lab.kubernetes.apply(filter(patch));
      const { reason, message } = await untilIs(lab, "a", ({ status }) => status === "False");
      report.figure(`${type}: EnvoyFilter written → told`, (performance.now() - start) / 1_000, "s");
      assert.equal(reason, "Rejected");
      assert.match(message, new RegExp(`^pod a: ${type}: .+`));
      await lab.until("the limiter to say the same", async () => (await ofLimiter(lab, "a"))?.message === message);
      assert.equal((await condition(lab, "other"))?.status, "True");
      await lab.kubernetes.delete(filter(patch));
      await untilIs(lab, "a", ({ status }) => status === "True");
      await lab.until("the limiter to take it back", async () => (await ofLimiter(lab, "a"))?.status === "True");
    });
  await report.step("what istiod forgets with the clusters of a host that is learned is told on, until it is gone", () =>
    forgotten(lab, a),
  );
}

async function startFenced(lab: Lab): Promise<Workload> {
  await lab.namespace(NAMESPACE);
  await applyServices(lab, NAMESPACE, ["b", "c"], "b");
  await startWorkload(lab, NAMESPACE, "b", { http: [8_080] });
  const spec = { workloadSelector: { app: "a" }, target: { port: 8_080 }, sets: { _base: { descriptor: [ruleObject(1_000)] } } };
  await lab.kubernetes.apply(limiterObject(NAMESPACE, "a", spec));
  const start = async (name: string) => {
    // By it the collector, which may not list pods, knows whose the pod is before its first call.
    await applyServices(lab, NAMESPACE, [name], name);
    const workload = await startWorkload(lab, NAMESPACE, name);
    await applyFence(lab, NAMESPACE, name, { host: { [`b.${NAMESPACE}.svc.cluster.local`]: { stable: {} } } });
    await untilFenced(lab, workload);
    return workload;
  };
  const a = await start("a");
  await start("other");
  for (const name of ["a", "other"]) {
    await untilIs(lab, name, ({ status }) => status === "True");
    // An Envoy that takes the next change of clusters makes istiod forget what it refused before.
    await lab.until(`the last step of ${name}'s Sidecar`, () => isSettled(lab, name));
  }
  return a;
}

async function forgotten(lab: Lab, a: Workload): Promise<void> {
  await lab.kubernetes.apply(filter(REFUSED_HOST));
  const { message: told } = await untilIs(lab, "a", ({ status }) => status === "False");
  await untilDirect(lab, a, `http://c.${NAMESPACE}/`);
  const { message } = await untilIs(lab, "a", ({ status, reason }) => status === "Unknown" && reason === "RejectedBefore");
  assert.ok(message.endsWith(told), `${message} does not say ${told}`);
  await lab.kubernetes.delete(filter(REFUSED_HOST));
  await untilIs(lab, "a", ({ status }) => status === "True");
}

async function isSettled(lab: Lab, name: string): Promise<boolean> {
  const key = { apiVersion: "networking.istio.io/v1beta1", kind: "Sidecar", metadata: { namespace: NAMESPACE, name } };
  const found = (await lab.kubernetes.get(key)) as Sidecar | undefined;
  return found !== undefined && parkedHosts(found).length === 0;
}

function filter(patch: object): KubernetesObject {
  return {
    apiVersion: "networking.istio.io/v1alpha3",
    kind: "EnvoyFilter",
    metadata: { namespace: NAMESPACE, name: "refused" },
    spec: { workloadSelector: { labels: { app: "a" } }, configPatches: [patch] },
  };
}

function untilIs(lab: Lab, fence: string, is: (found: Condition) => boolean): Promise<Condition> {
  const look = async () => {
    const found = await condition(lab, fence);
    return found !== undefined && is(found) ? found : undefined;
  };
  return lab.until(`${TYPE} of ${fence}`, look, { timeout: TIMEOUT });
}

async function condition(lab: Lab, fence: string): Promise<Condition | undefined> {
  return ofProxies((await readFence(lab, NAMESPACE, fence))?.status.conditions);
}

async function ofLimiter(lab: Lab, name: string): Promise<Condition | undefined> {
  const found = (await lab.kubernetes.get(limiterObject(NAMESPACE, name, {}))) as
    | { readonly status?: { readonly conditions?: readonly Condition[] } }
    | undefined;
  return ofProxies(found?.status?.conditions);
}

function ofProxies(conditions: readonly Condition[] | undefined): Condition | undefined {
  return conditions?.find(({ type }) => type === TYPE);
}
