import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parkedHosts, type Sidecar, sidecarHosts } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { Resource } from "@fenceline/kubernetes/testing";
import { ENVOY_FILTERS, FENCE, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { parse } from "yaml";
import { startCluster } from "./testing/cluster.ts";
import { startCollector } from "./testing/running-collector.ts";

/**
 * What a collector of 28 November 2026 (commit fdad48c, before owners had labels) wrote, as it
 * stood in its folder and in the API server.
 */
const BEFORE = join(import.meta.dirname, "testing/before");
const FOLDER = join(BEFORE, "folder");
const CLUSTER = JSON.parse(readFileSync(join(BEFORE, "cluster.json"), "utf8"));
const [FENCES] = SERVICE_FENCES as [Resource, Resource];

function hostsOf(sidecar: unknown): readonly string[] {
  return (sidecar as { spec: { egress: { hosts: string[] }[] } }).spec.egress.flatMap(({ hosts }) => hosts);
}

test("what the version before left in a folder is taken over: nothing is deleted, and no host is lost", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-upgrade-"));
  cpSync(FOLDER, folder, { recursive: true });
  const sidecar = "rendered/test1/Sidecar-a.yaml";
  const running = await startCollector(t, readFileSync(join(FOLDER, "mesh.yaml"), "utf8"), folder);
  await running.collector.idle();
  assert.deepEqual(hostsOf(parse(running.read(sidecar))), hostsOf(parse(readFileSync(join(FOLDER, sidecar), "utf8"))));
  assert.notEqual(running.read("rendered/test1/EnvoyFilter-a.yaml"), "");
  const learned = parse(readFileSync(join(FOLDER, "state/test1/ServiceFence-a.yaml"), "utf8")).domains;
  const kept = parse(running.read("state/test1/ServiceFence-a.yaml")).domains;
  for (const [host, { firstSeen, lastSeen, requests }] of Object.entries<Record<string, unknown>>(learned)) {
    const { firstSeen: first, lastSeen: last, requests: count } = kept[host] ?? {};
    assert.deepEqual([first, last, count], [firstSeen, lastSeen, requests], host);
  }
  assert.doesNotMatch((await running.request("/metrics")).body, /^fenceline_writes_total\{[^}]*action="(?:delete|create)"\} [1-9]/m);
});

test("what the version before left in a cluster is taken over: nothing is deleted, and no host is lost", async (t) => {
  const { server, collector, metrics, condition } = await startCluster(t, (fake) => {
    fake.put(FENCES, CLUSTER.fence);
    fake.put(SIDECARS, CLUSTER.sidecar, "fenceline");
    fake.put(ENVOY_FILTERS, CLUSTER.envoyFilter, "fenceline");
    for (const [namespace, name, port] of [
      ["test1", "b", 80],
      ["shop", "web", 8080],
    ] as const)
      fake.put(SERVICES, { metadata: { namespace, name }, spec: { clusterIP: "None", ports: [{ name: "http", port }] } });
  });
  await collector.idle();
  const sidecar = () => server.get(SIDECARS, FENCE) as unknown as Sidecar;
  const ours = ["mesh-operator/global-sidecar.mesh-operator.svc.cluster.local"];
  const named = hostsOf(CLUSTER.sidecar).filter((host) => !host.endsWith("/*"));
  await until(() => parkedHosts(sidecar()).length === 0 && !sidecarHosts(sidecar()).some((host) => host.endsWith("/*")));
  const uids = [SIDECARS, ENVOY_FILTERS].map((resource) => server.get(resource, FENCE)?.metadata.uid);
  assert.deepEqual(uids, [CLUSTER.sidecar.metadata.uid, CLUSTER.envoyFilter.metadata.uid]);
  // Services of Istio's namespace and of ours are named one by one from now on.
  assert.deepEqual(sidecarHosts(sidecar()), [...ours, ...named]);
  assert.deepEqual(
    [SIDECARS, ENVOY_FILTERS, FENCES].map((resource) => server.count("DELETE", resource)),
    [0, 0, 0],
  );
  // Not at the end alone: no write on the way took anything out either.
  const patches = (path: RegExp) =>
    server.requests.filter(({ method, path: of }) => method === "PATCH" && path.test(of)).map(({ body }) => body);
  const steps = patches(/\/sidecars\/a$/) as readonly Sidecar[];
  assert.ok(steps.length > 0);
  for (const step of steps) for (const host of [...ours, ...named]) assert.ok(sidecarHosts(step).includes(host), host);
  const statuses = patches(/\/servicefences\/a\/status$/) as readonly { readonly status: { readonly domains?: object } }[];
  assert.ok(statuses.length > 0);
  for (const { status } of statuses) assert.ok(!Object.values(status.domains ?? {}).includes(null), JSON.stringify(status));
  assert.equal(condition("Ready"), "True Rendered");
  const { domains } = (server.get(FENCES, FENCE)?.status ?? {}) as { readonly domains?: object };
  assert.deepEqual(domains, CLUSTER.fence.status.domains);
  assert.doesNotMatch(await metrics(), /^fenceline_writes_total\{[^}]*action="(?:delete|create)"\} [1-9]/m);
});
