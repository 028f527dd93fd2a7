/** T-17, T-18: a fence whose selector names no workload, or no pods, beside other fences. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Condition, Labels } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { FakeApiServer, Resource } from "@fenceline/kubernetes/testing";
import { FENCE, fence, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { openStream } from "./testing/access-log-stream.ts";
import { startCluster, startReplica } from "./testing/cluster.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const LATER = { namespace: "test1", name: "later" };
const NO_POD_HAS = { app: "a", "no label!": "x" };

const older = (workloadSelector: object) =>
  fence({ metadata: { ...FENCE, uid: "u1", creationTimestamp: "2026-01-01T00:00:00Z" }, spec: { enable: true, workloadSelector } });
const later = (labels: Labels) =>
  fence({
    metadata: { ...LATER, uid: "later", creationTimestamp: "2026-02-01T00:00:00Z" },
    spec: { enable: true, workloadSelector: { labels } },
  });

function said(server: FakeApiServer, type: string, key = LATER): string {
  const { conditions = [] } = (server.get(FENCES, key)?.status ?? {}) as { readonly conditions?: readonly Condition[] };
  const found = conditions.find((condition) => condition.type === type);
  return found === undefined ? "" : `${found.status} ${found.reason}: ${found.message}`;
}

test("T-18 an older fence whose selector no pod can match holds no younger one back", async (t) => {
  for (const labels of [NO_POD_HAS, { app: "" }]) {
    const { server, condition, collector } = await startCluster(t, (fake) => {
      fake.put(FENCES, older({ labels }));
      fake.put(FENCES, later({ app: "a" }));
    });
    await until(() => said(server, "Enforced").startsWith("True SidecarRendered"));
    assert.match(said(server, "Conflict"), /^False NoOtherSidecar/);
    await until(() => condition("Ready") === "False SelectorInvalid");
    await collector.idle();
    assert.match(said(server, "Ready"), /^True Rendered/);
  }
});

test("T-17 T-18 a fence that is edited so stays in force for the pods of its former selector: it hears of their calls, and a younger one gives way, until it is for others", async (t) => {
  const { server, condition, message, collector } = await startCluster(t, (fake) => {
    fake.put(FENCES, older({ labels: { app: "a" } }));
    fake.put(FENCES, later({ app: "a" }));
  });
  await until(() => condition("Enforced") === "True SidecarRendered" && said(server, "Conflict").startsWith("True OtherFence"));
  const stream = openStream(t, collector, {
    id: "sidecar~10.77.1.5~a-1.test1~test1.svc.cluster.local",
    namespace: "test1",
    labels: { app: "a" },
  });
  stream.call();
  await until(() => condition("TelemetryFlowing") === "True AccessLogsArrive");
  server.put(FENCES, { ...(server.get(FENCES, FENCE) as object), ...older({ labels: NO_POD_HAS }) });
  await until(() => condition("Ready") === "False SelectorInvalid" && condition("Enforced") === "True SidecarRemains");
  await collector.idle();
  assert.equal(collector.mesh.selects(FENCE, "test1", { app: "a" }), true);
  assert.deepEqual([condition("TelemetryFlowing"), message("Conflict")], ["True AccessLogsArrive", "no other Sidecar is for these pods"]);
  assert.match(said(server, "Conflict"), /^True OtherFence: fence test1\/a is for the same pods and comes first/);
  assert.equal(server.get(SIDECARS, LATER), undefined);
  server.put(FENCES, { ...(server.get(FENCES, FENCE) as object), ...older({ labels: { app: "c" } }) });
  await until(() => said(server, "Enforced").startsWith("True SidecarRendered") && condition("Ready") === "True Rendered");
});

test("T-18 what such a fence had rendered before a restart keeps a younger one waiting, which says why, until it is deleted or mended", async (t) => {
  for (const mend of ["delete", "select others"]) {
    const first = await startCluster(t, (fake) => fake.put(FENCES, older({ labels: { app: "a" } })));
    const { server } = first;
    await until(() => first.condition("Enforced") === "True SidecarRendered");
    await first.collector.close();
    first.leadership.leads = false;
    server.put(FENCES, { ...(server.get(FENCES, FENCE) as object), ...older({ labels: NO_POD_HAS }) });
    server.put(FENCES, later({ app: "a" }));
    await startReplica(t, server);
    await until(() => said(server, "Conflict").startsWith("True OtherFence"));
    assert.match(said(server, "Conflict"), /what was rendered for fence test1\/a, .*keeps it since its selector names no workload/);
    assert.doesNotMatch(said(server, "Conflict"), /in some seconds/);
    assert.equal(server.get(SIDECARS, LATER), undefined);
    if (mend === "delete") server.remove(FENCES, FENCE);
    else server.put(FENCES, { ...(server.get(FENCES, FENCE) as object), ...older({ labels: { app: "c" } }) });
    await until(() => said(server, "Enforced").startsWith("True SidecarRendered"));
  }
});

test("T-18 a younger fence waits until what is rendered for an older one whose Service is gone has left", async (t) => {
  const service = { metadata: FENCE, spec: { selector: { app: "a" }, ports: [{ name: "http", port: 80 }] } };
  const { server, condition, collector } = await startCluster(t, (fake) => {
    fake.put(SERVICES, service);
    fake.put(FENCES, older({ fromService: true }));
    fake.put(FENCES, later({ app: "a" }));
  });
  await until(() => condition("Enforced") === "True SidecarRendered" && said(server, "Conflict").startsWith("True OtherFence"));
  await collector.idle();
  const release = server.hold(({ method, path }) => method === "DELETE" && path.includes("/sidecars/"));
  server.remove(SERVICES, FENCE);
  await until(() => condition("Ready") === "False ServiceNotFound");
  await until(() => said(server, "Conflict").includes("test1/a, which is gone or off, or selects no pods"));
  assert.equal(server.get(SIDECARS, LATER), undefined);
  release();
  await until(() => said(server, "Enforced").startsWith("True SidecarRendered"));
  assert.equal(server.get(SIDECARS, FENCE), undefined);
});
