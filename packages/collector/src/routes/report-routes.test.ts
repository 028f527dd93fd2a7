import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { parseManifests } from "@fenceline/api";
import { localTokenGuard, serveHttpApi, serviceNames } from "@fenceline/http-api";
import { reportOfManifests } from "../report-of-manifests.ts";
import { CONFIG } from "../testing/mesh.ts";
import { startCollector } from "../testing/running-collector.ts";
import { reportRoutes } from "./report-routes.ts";
import { type ReportSource, type ReportView, reportSteps } from "./report-views.ts";

const SERVICES = ["b", "c", "d"].map(
  (name) => `
{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: test1}, spec: {selector: {app: ${name}}, ports: [{name: http, port: 80}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}-1, namespace: test1, labels: {kubernetes.io/service-name: ${name}}}
endpoints: [{addresses: [10.0.0.1]}, {addresses: [10.0.0.2]}]
ports: [{name: http, port: 8080}]
`,
);
const FENCES = ["a", "x", "z"].map(
  (name) => `
apiVersion: microservice.slime.io/v1alpha1
kind: ServiceFence
metadata: {name: ${name}, namespace: test${name === "z" ? 2 : 1}}
spec: {mode: Observe, host: {b.test1.svc.cluster.local: {}}}
`,
);
const MESH = [...SERVICES, ...FENCES].join("---");

interface Answer extends ReportView {
  readonly code?: string;
  readonly continue?: string;
  readonly reports: readonly ReportView[];
}

async function serve(t: TestContext, source: () => ReportSource | undefined) {
  const guard = localTokenGuard({ matches: () => false, hint: "there is none" });
  const api = await serveHttpApi({ host: "127.0.0.1", port: 0, guard, routes: reportRoutes(source), names: serviceNames("x.y.svc.z") });
  t.after(() => api.close());
  return async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${api.port}/api/v1/report${path}`);
    return { status: response.status, json: (await response.json()) as Answer };
  };
}

async function start(t: TestContext) {
  const { collector } = await startCollector(t, MESH);
  return { collector, ask: await serve(t, () => collector.api.reported) };
}

test("a fence in Observe says what enforcing it would hide, with names, and that it was not observed yet", async (t) => {
  const { ask } = await start(t);
  const { status, json } = await ask("/test1/a?hidden=true");
  assert.equal(status, 200);
  const { hides, shows, saves, verdict, mode } = json;
  assert.deepEqual([mode, verdict], ["Observe", "Wait"]);
  assert.deepEqual(hides, { count: 2, hosts: ["test1/c.test1.svc.cluster.local", "test1/d.test1.svc.cluster.local"] });
  assert.deepEqual(shows.hosts, ["test1/b.test1.svc.cluster.local"]);
  assert.deepEqual([saves.clusters, saves.endpoints, saves.listeners], [2, 4, 0]);
  assert.ok(json.reasons.some((reason) => reason.startsWith("NotObserved:")));
  assert.deepEqual((await ask("/test1/a")).json.hides, { count: 2 });
  const wrong = await ask("/test1/a?hidden=1");
  assert.deepEqual([wrong.status, wrong.json.code], [400, "PARAMETER_INVALID"]);
  const missing = await ask("/test1/nobody");
  assert.deepEqual([missing.status, missing.json.code], [404, "FENCE_NOT_FOUND"]);
});

test("the reports of the mesh come in pages, without names, and those of a namespace alone", async (t) => {
  const { ask } = await start(t);
  const fences: string[] = [];
  let next = "";
  do {
    const { json } = await ask(`?limit=1${next}`);
    assert.equal(json.reports.length, 1);
    for (const { fence, hides } of json.reports) {
      fences.push(fence);
      assert.deepEqual(hides, { count: 2 });
    }
    next = json.continue === undefined ? "" : `&continue=${json.continue}`;
  } while (next !== "");
  assert.deepEqual(fences, ["test1/a", "test1/x", "test2/z"]);
  const { json } = await ask("?namespace=test2");
  assert.deepEqual(
    json.reports.map(({ fence }) => fence),
    ["test2/z"],
  );
});

test("the rights are those to the fences, to names of other namespaces those to all, and nothing is reported before the mesh is known", async (t) => {
  const [list, one] = reportRoutes(() => undefined).map(({ right }) => right);
  assert.ok(list !== undefined && list !== "none" && one !== undefined && one !== "none");
  type Call = Parameters<typeof list>[0];
  assert.deepEqual(list({ query: "namespace=shop", path: [] } as unknown as Call), {
    group: "microservice.slime.io",
    resource: "servicefences",
    verb: "list",
    namespace: "shop",
  });
  const got = one({ query: "", path: ["shop", "web"] } as unknown as Call);
  assert.deepEqual([got.verb, got.namespace, got.name], ["get", "shop", "web"]);
  const all = one({ query: "hidden=true", path: ["shop", "web"] } as unknown as Call);
  assert.deepEqual([all.verb, all.namespace, all.name], ["list", undefined, undefined]);
  const { status, json } = await (await serve(t, () => undefined))("");
  assert.deepEqual([status, json.code], [503, "NOT_READY"]);
});

test("T-12 the reports of 3,000 Services are made in steps that leave others their turn", async (t) => {
  const { collector } = await startCollector(t, MESH);
  const { reported: reportSource } = collector.api;
  const service = reportSource.mesh().registry.services()[0] ?? assert.fail();
  const many = Array.from({ length: 3_000 }, (_, n) => ({ ...service, metadata: { ...service.metadata, name: `s${n}` } }));
  reportSource.mesh().registry.apply({ services: many.map((after) => ({ before: undefined, after })) });
  const steps = [...reportSteps(reportSource, { limit: 100, namespace: undefined, after: undefined, chosen: {} })];
  assert.deepEqual(
    steps.map((step) => step.length),
    [0, 0, 0, 1, 1, 1],
  );
});

test("what a state says is what a folder's report says: calls, conditions and the Sidecar's hosts", () => {
  const times = { firstSeen: "2026-11-27T00:00:00.000Z", lastSeen: "2026-11-29T00:00:00.000Z" };
  const condition = { type: "Ready", status: "True", reason: "Rendered", message: "mode Observe", lastTransitionTime: times.lastSeen };
  const status = {
    domains: { "c.test1.svc.cluster.local": { status: "ACTIVE", source: "learned", ...times, requests: 500, ports: [80] } },
    observedUntil: times.lastSeen,
    conditions: [condition],
  };
  const fence = `${FENCES[0]}status: ${JSON.stringify(status)}\n`;
  const { objects } = parseManifests([...SERVICES, fence].join("---"), "mesh.yaml");
  const request = { fence: { namespace: "test1", name: "a" }, hidden: true, now: Date.parse("2026-11-29T01:00:00Z") };
  const [report = assert.fail()] = reportOfManifests(objects, CONFIG, request);
  assert.deepEqual([report.verdict, report.hides.hosts, report.observed.seconds], ["Ready", ["test1/d.test1.svc.cluster.local"], 172_800]);
  const all = reportOfManifests(objects, CONFIG, { now: request.now });
  assert.deepEqual(
    all.map(({ fence, hides }) => [fence, hides]),
    [["test1/a", { count: 1 }]],
  );
});
