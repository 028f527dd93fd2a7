import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Config } from "@fenceline/api";
import { ENDPOINT_SLICES, NODES, SERVICES } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "./testing/cluster.ts";
import { CONFIG } from "./testing/mesh.ts";

const WARNING = "ranges of pods are not known";

/** The addresses that the warning names, where a pod at 10.7.0.5 has a Service. */
async function warnedOf(t: TestContext, podCIDRs: readonly string[] | undefined, config: object = {}) {
  const { lines } = await startCluster(
    t,
    (server) => {
      const spec = { clusterIP: "10.96.0.7", selector: { app: "b" }, ports: [{ name: "http", port: 80 }] };
      server.put(SERVICES, { metadata: { namespace: "test1", name: "b" }, spec });
      server.put(ENDPOINT_SLICES, {
        metadata: { namespace: "test1", name: "b-1", labels: { "kubernetes.io/service-name": "b" } },
        endpoints: [{ addresses: ["10.7.0.5"] }],
        ports: [{ name: "http", port: 8080 }],
      });
      if (podCIDRs !== undefined) server.put(NODES, { metadata: { name: "one" }, spec: { podCIDRs } });
    },
    true,
    Config.parse({ ...CONFIG, ...config }),
  );
  return lines.filter(({ msg }) => msg === WARNING).map(({ address }) => address);
}

test("T-05 a network plugin that does not keep to the nodes' podCIDRs is told at the start, with an address", async (t) => {
  assert.deepEqual(await warnedOf(t, []), ["10.7.0.5"]);
  assert.deepEqual(await warnedOf(t, ["10.244.0.0/24"]), ["10.7.0.5"]);
});

test("T-05 nothing is told where ranges have the address, where nothing external is forwarded, or without nodes", async (t) => {
  assert.deepEqual(await warnedOf(t, ["10.7.0.0/24"]), []);
  assert.deepEqual(await warnedOf(t, [], { podRanges: ["10.0.0.0/8"] }), []);
  assert.deepEqual(await warnedOf(t, [], { external: { mode: "Refuse" } }), []);
  assert.deepEqual(await warnedOf(t, undefined), []);
});
