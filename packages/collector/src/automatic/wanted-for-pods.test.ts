import assert from "node:assert/strict";
import { test } from "node:test";
import { automaticFence, Config, formatFenceKey, hasLabels, podFenceName, ServiceFence } from "@fenceline/api";
import { Registry } from "@fenceline/registry";
import { workloadLabels } from "@fenceline/render/fence";
import fc from "fast-check";
import { snapshotOf } from "../testing/mesh.ts";
import type { PodValue } from "./pod-values.ts";
import { wantedFences } from "./wanted-fences.ts";

const NAMESPACE = "{apiVersion: v1, kind: Namespace, metadata: {name: s}}";
const DECLINING = '{apiVersion: v1, kind: Namespace, metadata: {name: s, labels: {slime.io/serviceFenced: "false"}}}';
const JOB: PodValue = { value: "report", pods: [{ job: "report", app: "x" }] };

function service(name: string, selector: string, fenced?: boolean): string {
  const labels = fenced === undefined ? "{}" : `{slime.io/serviceFenced: "${fenced}"}`;
  return `{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: s, labels: ${labels}}, spec: {selector: ${selector}}}`;
}

function fence(name: string, labels: string): string {
  return `{apiVersion: microservice.slime.io/v1alpha1, kind: ServiceFence, metadata: {name: ${name}, namespace: s}, spec: {enable: true, workloadSelector: {labels: ${labels}}}}`;
}

function wanted(manifests: readonly string[], podValues: readonly PodValue[] | "unknown" = [JOB], more: object = {}) {
  const snapshot = snapshotOf(manifests.join("\n---\n"));
  const config = Config.parse({ automaticFences: { podLabel: { key: "job", alias: "job" }, ...more } });
  const registry = new Registry({ ...snapshot, clusterDomain: config.clusterDomain });
  const { fences, undecided } = wantedFences({
    snapshot: { ...snapshot, podValues: podValues === "unknown" ? podValues : new Map([["s", podValues]]) },
    config,
    workloadOf: (each) => workloadLabels(each, registry, config),
  });
  return [...fences.map(formatFenceKey), ...undecided.map((key) => `? ${formatFenceKey(key)}`)];
}

const REPORT = "s/job-report.workload.identity";

for (const [what, manifests, expected, values = [JOB], more = {}] of [
  ["pods have one, whatever the Namespace does not say", [NAMESPACE], [REPORT]],
  ["a Namespace declines", [DECLINING], []],
  [
    "… but for pods that ask themselves",
    [DECLINING],
    [REPORT],
    [{ value: "report", pods: [{ job: "report", "slime.io/serviceFenced": "true" }] }],
  ],
  [
    "one pod declines for all",
    [NAMESPACE],
    [],
    [{ value: "report", pods: [...JOB.pods, { job: "report", "slime.io/serviceFenced": "false" }] }],
  ],
  ["pods without a proxy have none", [NAMESPACE], [], [{ value: "report", pods: [{ job: "report", "sidecar.istio.io/inject": "false" }] }]],
  [
    "… and are no obstacle for others",
    [NAMESPACE],
    [REPORT],
    [{ value: "report", pods: [...JOB.pods, { job: "report", app: "y", "sidecar.istio.io/inject": "false" }] }],
  ],
  ["a Service that asks for none says nothing", [NAMESPACE, service("web", "{app: x}")], [REPORT]],
  ["the fence of a Service is theirs", [NAMESPACE, service("web", "{app: x}", true)], ["s/web"]],
  ["a Service that declines speaks for them", [NAMESPACE, service("web", "{app: x}", false)], []],
  ["a person's fence is theirs", [NAMESPACE, fence("mine", "{app: x}")], []],
  ["… also one of other pods by this name", [NAMESPACE, fence("job-report.workload.identity", "{app: z}")], []],
  ["another fence is no obstacle", [NAMESPACE, fence("mine", "{app: z}")], [REPORT]],
  ["without its Namespace it is not known", [], [`? ${REPORT}`]],
  ["a namespace that is out of scope has none", [NAMESPACE], [], [JOB], { namespaces: { deny: ["s"] } }],
  ["with create Off there is none", [NAMESPACE], [], [JOB], { create: "Off" }],
] as readonly (readonly [string, readonly string[], readonly string[], (readonly PodValue[])?, object?])[]) {
  test(`row 35: ${what}`, () => assert.deepEqual(wanted(manifests, values, more), expected));
}

test("row 36: while pods are not known, the fences for them stay, and those of Services are as always", () => {
  const labels = { "app.kubernetes.io/created-by": "fence-controller", "app.kubernetes.io/managed-by": "fenceline" };
  const made = { ...automaticFence({ namespace: "s", name: "job-report.workload.identity", labels: { job: "report" } }, "Enforce") };
  const manifests = [NAMESPACE, service("web", "{app: x}", true), JSON.stringify({ ...made, metadata: { ...made.metadata, labels } })];
  assert.deepEqual(wanted(manifests, "unknown"), ["s/web", `? ${REPORT}`]);
  assert.deepEqual(wanted(manifests, []), ["s/web"]);
});

test("row 35: the name of such a fence is Slime's where it can be, and one that the API server takes", () => {
  assert.equal(podFenceName("app", "reviews"), "app-reviews.workload.identity");
  const value = fc.stringMatching(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,20}[A-Za-z0-9])?)$/);
  fc.assert(
    fc.property(value, value, (one, other) => {
      const name = podFenceName("app", one);
      assert.match(name, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
      if (one !== other) assert.notEqual(name, podFenceName("app", other));
      assert.ok(ServiceFence.safeParse(automaticFence({ namespace: "s", name, labels: { app: one } }, "Observe")).success);
    }),
  );
});

test("law: no pod is selected by two of the fences that are made", () => {
  const labels = fc.dictionary(fc.constantFrom("job", "app", "track"), fc.constantFrom("a", "b"));
  const podsOf = fc.array(labels, { maxLength: 6 });
  const services = fc.array(
    fc.record({ selector: fc.dictionary(fc.constantFrom("app"), fc.constantFrom("a", "b")), fenced: fc.boolean() }),
    {
      maxLength: 3,
    },
  );
  fc.assert(
    fc.property(podsOf, services, (pods, some) => {
      const values = [...Map.groupBy(pods, (each) => each.job ?? "")].filter(([value]) => value !== "");
      const podValues = values.map(([value, each]) => ({ value, pods: each }));
      const manifests = [NAMESPACE, ...some.map(({ selector, fenced }, index) => service(`w${index}`, JSON.stringify(selector), fenced))];
      const selectors = wanted(manifests, podValues).map((name) => {
        const index = /^s\/w(\d)$/.exec(name)?.[1];
        return index === undefined ? { job: /^s\/job-(.)\./.exec(name)?.[1] ?? "" } : (some[Number(index)]?.selector ?? {});
      });
      for (const each of pods) assert.ok(selectors.filter((selector) => hasLabels(each, selector)).length <= 1);
    }),
  );
});
