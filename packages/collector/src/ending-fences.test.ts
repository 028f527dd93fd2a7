/** T-23: what is being deleted is left alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@fenceline/api/testing";
import type { FakeApiServer, RecordedRequest, Resource } from "@fenceline/kubernetes/testing";
import { ENVOY_FILTERS, FENCE, fence, NAMESPACES, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "./testing/cluster.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const deletionTimestamp = "2026-01-01T00:00:00Z";
const isOfOurs = ({ method, path }: RecordedRequest) => method !== "GET" && /\/(sidecars|envoyfilters|servicefences)\/a(\/|$)/.test(path);
const mysql = (name: string) => ({ metadata: { name, namespace: "test1" }, spec: { ports: [{ name: "tcp-sql", port: 3306 }] } });

/** As of now the fence is being deleted in the foreground, as Argo CD does it by default. */
function endFence(server: FakeApiServer): void {
  const { metadata, ...rest } = server.get(FENCES, FENCE) as unknown as { readonly metadata: object };
  server.put(FENCES, { ...rest, metadata: { ...metadata, deletionTimestamp, finalizers: ["foregroundDeletion"] } });
}

/** As of now everything in its namespace is being deleted. */
function endNamespace(server: FakeApiServer): void {
  server.put(NAMESPACES, { metadata: { name: "test1", deletionTimestamp } });
}

for (const [what, end] of [
  ["a fence that is being deleted in the foreground", endFence],
  ["a fence in a namespace that is being deleted", endNamespace],
] as const)
  test(`T-23 ${what} is left alone: what the garbage collector takes away is not put back`, async (t) => {
    const { server, condition, collector } = await startCluster(t);
    await until(() => condition("Enforced") === "True SidecarRendered");
    await collector.idle();
    end(server);
    await until(() => {
      const ended = [collector.mesh.fence(FENCE), collector.mesh.namespace("test1")];
      return ended.some((each) => each?.metadata.deletionTimestamp !== undefined);
    });
    const before = server.requests.filter(isOfOurs).length;
    // Two rounds, each with a change that would have the Sidecar written.
    for (const [resource, name] of [
      [SIDECARS, "first"],
      [ENVOY_FILTERS, "second"],
    ] as const) {
      server.remove(resource, FENCE);
      server.put(SERVICES, mysql(name));
      await until(() => collector.mesh.registry.service("test1", name) !== undefined);
      await collector.idle();
    }
    assert.equal(server.requests.filter(isOfOurs).length, before);
    assert.equal(server.get(SIDECARS, FENCE), undefined);
  });

test("T-23 a fence that is made again after its deletion is rendered", async (t) => {
  const { server, condition, collector } = await startCluster(t);
  await until(() => condition("Enforced") === "True SidecarRendered");
  endFence(server);
  server.remove(SIDECARS, FENCE);
  server.remove(ENVOY_FILTERS, FENCE);
  await collector.idle();
  server.remove(FENCES, FENCE);
  await until(() => collector.mesh.fence(FENCE) === undefined);
  server.put(FENCES, fence({ metadata: { ...FENCE, uid: "another" } }));
  await until(() => condition("Enforced") === "True SidecarRendered");
});
