/** What a namespace's own Sidecar says beside hosts must not be lost by a fence. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@fenceline/api/testing";
import { ENVOY_FILTERS, FENCE, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "../testing/cluster.ts";

const EGRESS_PROXY = { outboundTrafficPolicy: { egressProxy: { host: "proxy.egress.svc.cluster.local", port: { number: 443 } } } };
const LISTENER = { port: { number: 3_306, protocol: "MYSQL", name: "db" }, bind: "127.0.0.1", captureMode: "NONE", hosts: ["db/*"] };
const HOSTS = { egress: [{ hosts: ["./*"], captureMode: "DEFAULT" }], outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } };
const sidecar = (namespace: string, spec: object) => ({ metadata: { namespace, name: "default" }, spec });

for (const [what, namespace, spec, told] of [
  ["an egress proxy in the namespace", "test1", EGRESS_PROXY, "test1/default (outboundTrafficPolicy.egressProxy)"],
  [
    "ports, a bind and ingress in the root namespace",
    "istio-system",
    { egress: [LISTENER], ingress: [{ port: { number: 80 } }], inboundConnectionPool: {} },
    "istio-system/default (egress.port, egress.bind, egress.captureMode, ingress, inboundConnectionPool)",
  ],
] as const)
  test(`issue 16: with ${what} a fence goes on observing, and says what its Sidecar would drop`, async (t) => {
    const { server, condition, message } = await startCluster(t, (fake) => fake.put(SIDECARS, sidecar(namespace, spec)));
    await until(() => condition("Conflict") === "True DefaultSidecar");
    assert.ok(message("Conflict").includes(told), message("Conflict"));
    assert.equal(condition("Enforced"), "False Conflict");
    await until(() => server.get(ENVOY_FILTERS, FENCE) !== undefined);
    assert.equal(server.get(SIDECARS, FENCE), undefined);
    server.put(SIDECARS, sidecar(namespace, HOSTS));
    await until(() => server.get(SIDECARS, FENCE) !== undefined && condition("Conflict") === "False NoOtherSidecar");
  });
