/** What a namespace's own Sidecar says beside hosts must not be lost by a fence. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { encodeAccessLogMessage } from "@fenceline/als";
import { SERVICE_ENTRY, type ServiceFenceStatus, type Sidecar, sidecarHosts } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { type Resource, resourcesOf } from "@fenceline/kubernetes";
import {
  CONFIG_MAPS,
  ENVOY_FILTERS,
  FENCE,
  fence,
  MESH_CONFIG_MAP,
  SERVICE_FENCES,
  SERVICES,
  SIDECARS,
} from "@fenceline/store/kubernetes/testing";
import { startCluster } from "../testing/cluster.ts";
import { send } from "../testing/running-collector.ts";

const EGRESS_PROXY = { outboundTrafficPolicy: { egressProxy: { host: "proxy.egress.svc.cluster.local", port: { number: 443 } } } };
const LISTENER = { port: { number: 3_306, protocol: "MYSQL", name: "db" }, bind: "127.0.0.1", captureMode: "NONE", hosts: ["db/*"] };
const HOSTS = { egress: [{ hosts: ["./*"], captureMode: "DEFAULT" }], outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } };
const [ENTRIES] = resourcesOf(SERVICE_ENTRY);
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
  server.put(SIDECARS, sidecar("test1", { ...HOSTS, ...egressOf("./*", "db/*") }));
  await until(() => hosts().includes(MYSQL));
});

test("issue 16: so it is where MeshConfig alone says REGISTRY_ONLY, and no ServiceEntry is left to be learned", async (t) => {
  const { server } = await startCluster(t, (fake) => {
    fake.put(SERVICES, { metadata: { namespace: "db", name: "mysql" }, spec: { ports: [{ name: "tcp-mysql", port: 3_306 }] } });
    const ports = [{ number: 80, name: "http", protocol: "HTTP" }];
    fake.put(ENTRIES, {
      metadata: { namespace: "db", name: "api" },
      spec: { hosts: ["*.partner.example"], ports, resolution: "NONE" },
    });
    fake.put(FENCES, fence({ spec: { enable: true, tcp: "learn", serviceEntries: "Learn" } }));
  });
  const hosts = () => shownOf(server.get(SIDECARS, FENCE));
  const hidden = [MYSQL, "db/*.partner.example"];
  await until(() => hosts().length > 0 && !hosts().includes("*/*"));
  assert.deepEqual(
    hidden.filter((host) => hosts().includes(host)),
    [],
  );
  server.put(CONFIG_MAPS, { metadata: MESH_CONFIG_MAP, data: { mesh: "outboundTrafficPolicy: {mode: REGISTRY_ONLY}" } });
  await until(() => hidden.every((host) => hosts().includes(host)));
  server.put(SIDECARS, sidecar("test1", { outboundTrafficPolicy: { mode: "ALLOW_ANY" } }));
  await until(() => !hidden.some((host) => hosts().includes(host)));
});

const B = "b.test1.svc.cluster.local";
const shownOf = (sidecar: unknown) => (sidecar === undefined ? [] : sidecarHosts(sidecar as Sidecar));
const egressOf = (...hosts: readonly string[]) => ({ egress: [{ hosts }] });

for (const namespace of ["test1", "istio-system"])
  test(`issue 16: a fence shows no host that the default Sidecar of ${namespace} hides, and says so of one that it declares`, async (t) => {
    const { server, message } = await startCluster(t, (fake) => {
      for (const [at, name] of [
        ["test1", "b"],
        ["db", "mysql"],
        ["istio-system", "istiod"],
      ])
        fake.put(SERVICES, { metadata: { namespace: at, name }, spec: { ports: [{ name: "http", port: 80 }] } });
      fake.put(
        FENCES,
        fence({ spec: { enable: true, host: { [MYSQL.slice(3)]: { stable: {} }, [B]: { stable: {} }, "db/*": { stable: {} } } } }),
      );
      fake.put(SIDECARS, sidecar(namespace, egressOf("./*")));
    });
    const shown = () => shownOf(server.get(SIDECARS, FENCE));
    const always = ["istio-system/istiod.istio-system.svc.cluster.local", "mesh-operator/global-sidecar.mesh-operator.svc.cluster.local"];
    await until(() => isDeepStrictEqual(shown(), [...always, `test1/${B}`]));
    await until(() => message("Ready").includes(`the default Sidecar hides db/*, ${MYSQL.slice(3)}`));
    server.put(SIDECARS, sidecar(namespace, egressOf("*/*", `~./${B}`)));
    await until(() => shown().includes("db/*") && !shown().includes(`test1/${B}`));
    server.put(SIDECARS, sidecar(namespace, egressOf("*/*", `~${MYSQL}`)));
    await until(() => shown().includes(`test1/${B}`) && !shown().some((each) => each.startsWith("db/")));
    server.remove(SIDECARS, { namespace, name: "default" });
    await until(() => shown().includes("db/*") && !message("Ready").includes("hides"));
  });

test("issue 16: a host that the default Sidecar hides is not learned, which is counted and told, until the default shows it", async (t) => {
  const { server, collector, lines } = await startCluster(t, (fake) => {
    fake.put(SERVICES, { metadata: { namespace: "test1", name: "b" }, spec: { ports: [{ name: "http", port: 80 }] } });
    fake.put(SERVICES, { metadata: { namespace: "db", name: "mysql" }, spec: { ports: [{ name: "http", port: 80 }] } });
    fake.put(SIDECARS, sidecar("test1", egressOf("./*")));
  });
  const report = encodeAccessLogMessage({
    identifier: { logName: "fenceline/test1/a", node: { id: "sidecar~a" } },
    entries: [B, MYSQL.slice(3)].map((authority) => ({
      authority,
      upstreamCluster: `outbound|80||${authority}`,
      responseCode: 200,
      requests: 1,
    })),
  });
  const learned = () => Object.keys((server.get(FENCES, FENCE)?.status as Partial<ServiceFenceStatus> | undefined)?.domains ?? {});
  await send(collector.accessLogPort, [report]);
  await until(() => learned().includes(B));
  assert.deepEqual(learned(), [B]);
  assert.match(await collector.metrics.metrics(), /entries_dropped_total\{reason="hidden"\} 1\n/);
  const told = lines.filter(({ msg }) => msg === "host not learned, the default Sidecar hides it");
  assert.deepEqual(
    told.map(({ fence, host }) => [fence, host]),
    [["test1/a", MYSQL.slice(3)]],
  );
  server.put(SIDECARS, sidecar("test1", egressOf("./*", "db/*")));
  await until(async () => {
    await send(collector.accessLogPort, [report]);
    return learned().length === 2;
  });
  await until(() => shownOf(server.get(SIDECARS, FENCE)).includes(MYSQL));
});
