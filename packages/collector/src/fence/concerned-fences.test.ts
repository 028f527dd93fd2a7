import assert from "node:assert/strict";
import { test } from "node:test";
import { parkedHosts, SERVICE, type Sidecar, sidecarHosts } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { Resource } from "@fenceline/kubernetes/testing";
import { FENCE, fence, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "../testing/cluster.ts";
import { CONFIG } from "../testing/mesh.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
/**
 * Hosts of HTTP come in one step, and others late enough for the looks of each step to be told
 * apart.
 */
const STEPS = {
  ...CONFIG,
  onDemand: "always",
  switchOver: { shortestPause: "500ms", longestPause: "500ms", unobservedPause: "500ms" },
} as const;
const OTHER = { namespace: "test1", name: "other" };

function service(namespace: string, name: string, port: object = { name: "http", port: 80 }, labels: object = {}) {
  return { metadata: { namespace, name, labels }, spec: { clusterIP: "10.0.7.7", selector: { app: name }, ports: [port] } };
}

/** A mesh with the fences `a`, and `other` with what the test gives it. */
async function start(t: Parameters<typeof startCluster>[0], spec: object) {
  const cluster = await startCluster(
    t,
    (server) => {
      const { metadata, spec: common, ...rest } = fence() as { metadata: object; spec: object };
      server.put(FENCES, { ...rest, metadata: { ...metadata, ...OTHER, uid: "u-other" }, spec: { ...common, ...spec } });
    },
    true,
    STEPS,
  );
  const sidecar = (name: string) => cluster.server.get(SIDECARS, { namespace: "test1", name }) as unknown as Sidecar | undefined;
  // Both steps of the first Sidecars.
  await until(() =>
    ["a", "other"].every((name) => {
      const object = sidecar(name);
      return object !== undefined && parkedHosts(object).length === 0;
    }),
  );
  await cluster.collector.idle();
  const hosts = (name: string) => [sidecar(name) ?? []].flat().flatMap(sidecarHosts);
  const runs = async () => {
    const lines = (await cluster.metrics()).split("\n").filter((line) => line.startsWith("fenceline_reconciles_total"));
    return lines.reduce((sum, line) => sum + Number(line.split(" ")[1]), 0);
  };
  /** Puts a Service and gives how many fences were looked at for it. */
  const looksFor = async (...given: Parameters<typeof service>) => {
    const before = await runs();
    cluster.server.put(SERVICES, service(...given));
    await until(() =>
      cluster.store
        .snapshot()
        .of(SERVICE)
        .some(({ metadata }) => metadata.name === given[1]),
    );
    // The store tells what changed after a pause of some milliseconds.
    await until(() => cluster.collector.mesh.registry.service(given[0], given[1]) !== undefined);
    await cluster.collector.idle();
    return (await runs()) - before;
  };
  // What the start itself had looked at again is over when a further Service has been taken in.
  while ((await looksFor("shop", "first")) > 0) cluster.server.remove(SERVICES, { namespace: "shop", name: "first" });
  return { ...cluster, hosts, looksFor };
}

test("a Service that no fence reads has none of them looked at", async (t) => {
  const { looksFor } = await start(t, { host: { "named.shop": { stable: {} } } });
  assert.equal(await looksFor("shop", "unrelated"), 0);
});

test("a Service that a fence names by a short name has that fence looked at, and no other", async (t) => {
  const { looksFor, hosts } = await start(t, { host: { named: { stable: {} } } });
  assert.ok(hosts("other").includes("*/named"));
  assert.equal(await looksFor("test1", "named"), 1);
  await until(() => hosts("other").includes("test1/named.test1.svc.cluster.local"));
});

test("a Service whose labels a fence selects comes into that fence", async (t) => {
  const { looksFor, hosts } = await start(t, { labelSelector: [{ selector: { team: "x" } }] });
  assert.equal(await looksFor("shop", "chosen", { name: "http", port: 80 }, { team: "x" }), 1);
  await until(() => hosts("other").includes("shop/chosen.shop.svc.cluster.local"));
});

test("a TCP Service that every fence shows has all of them looked at", async (t) => {
  const { looksFor, hosts } = await start(t, {});
  assert.equal(await looksFor("shop", "database", { name: "tcp-db", port: 5432 }), 2);
  await until(() => [FENCE.name, OTHER.name].every((name) => hosts(name).includes("shop/database.shop.svc.cluster.local")));
});
