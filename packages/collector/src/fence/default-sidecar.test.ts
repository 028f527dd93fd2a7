/** What a namespace's own Sidecar says beside hosts must not be lost by a fence. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { type Sidecar, sidecarHosts } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { Resource } from "@fenceline/kubernetes/testing";
import { ENVOY_FILTERS, FENCE, fence, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "../testing/cluster.ts";

const EGRESS_PROXY = { outboundTrafficPolicy: { egressProxy: { host: "proxy.egress.svc.cluster.local", port: { number: 443 } } } };
const LISTENER = { port: { number: 3_306, protocol: "MYSQL", name: "db" }, bind: "127.0.0.1", captureMode: "NONE", hosts: ["db/*"] };
const HOSTS = { egress: [{ hosts: ["./*"], captureMode: "DEFAULT" }], outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } };
const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const MYSQL = "db/mysql.db.svc.cluster.local";
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

const policyOf = (sidecar: object | undefined) => (sidecar as Sidecar | undefined)?.spec.outboundTrafficPolicy;

for (const namespace of ["test1", "istio-system"])
  test(`issue 16: what the default Sidecar of ${namespace} closes, a fence's in its place closes too, and follows it`, async (t) => {
    const { server } = await startCluster(t, (fake) => fake.put(SIDECARS, sidecar(namespace, HOSTS)));
    const said = () => policyOf(server.get(SIDECARS, FENCE));
    await until(() => isDeepStrictEqual(said(), { mode: "REGISTRY_ONLY" }));
    server.put(SIDECARS, sidecar(namespace, { ...HOSTS, outboundTrafficPolicy: { mode: "ALLOW_ANY" } }));
    await until(() => isDeepStrictEqual(said(), { mode: "ALLOW_ANY" }));
    server.remove(SIDECARS, { namespace, name: "default" });
    await until(() => server.get(SIDECARS, FENCE) !== undefined && said() === undefined);
  });

test("issue 16: where REGISTRY_ONLY lets no connection pass to a host that is hidden, tcp: learn hides no TCP Service", async (t) => {
  const { server } = await startCluster(t, (fake) => {
    fake.put(SERVICES, { metadata: { namespace: "db", name: "mysql" }, spec: { ports: [{ name: "tcp-mysql", port: 3_306 }] } });
    fake.put(FENCES, fence({ spec: { enable: true, tcp: "learn" } }));
  });
  const hosts = () => {
    const rendered = server.get(SIDECARS, FENCE) as unknown as Sidecar | undefined;
    return rendered === undefined ? [] : sidecarHosts(rendered);
  };
  await until(() => hosts().length > 0 && !hosts().includes("*/*"));
  assert.ok(!hosts().includes(MYSQL), hosts().join(" "));
  server.put(SIDECARS, sidecar("test1", HOSTS));
  await until(() => hosts().includes(MYSQL));
});
