/** Issue 16 §6: what Slime made for the objects that are ours now is adopted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FOREIGN_ENVOY_FILTER, type ServiceFenceStatus } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { resourcesOf } from "@fenceline/kubernetes";
import type { FakeApiServer, Resource } from "@fenceline/kubernetes/testing";
import { FENCE, FENCE_UID, fence, SERVICE_FENCES, SERVICES, SIDECARS } from "@fenceline/store/kubernetes/testing";
import { startCluster } from "./testing/cluster.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];
const [FILTERS] = resourcesOf(FOREIGN_ENVOY_FILTER);
const CALLED = "web.shop.svc.cluster.local";
const DECLARED = "cart.shop.svc.cluster.local";

/** As Slime's lazyload module writes it: no label, one egress listener, owned by the fence. */
function slimeSidecar(owner: object = {}, labels: object = {}) {
  const reference = { apiVersion: "microservice.slime.io/v1alpha1", kind: "ServiceFence", name: FENCE.name, uid: FENCE_UID, ...owner };
  return {
    apiVersion: "networking.istio.io/v1alpha3",
    metadata: { ...FENCE, labels, ownerReferences: [{ ...reference, controller: true, blockOwnerDeletion: true }] },
    spec: {
      workloadSelector: { labels: { app: "a" } },
      egress: [{ hosts: [`*/${DECLARED}`, `*/${CALLED}`, "istio-system/*", "mesh-operator/*"] }],
    },
  };
}

/** A fence that Slime rendered, with what it learned. */
function slimeFence(spec: object = {}): object {
  return fence({
    spec: { enable: true, host: { [DECLARED]: { stable: {} } }, ...spec },
    status: {
      metricStatus: { [`{destination_service="${CALLED}"}`]: "1" },
      domains: { [DECLARED]: { hosts: [DECLARED] }, [CALLED]: { hosts: [CALLED] } },
    },
  });
}

function prepare(server: FakeApiServer, spec: object = {}, owner: object = {}, labels: object = {}): void {
  for (const name of ["web", "cart"])
    server.put(SERVICES, {
      metadata: { name, namespace: "shop" },
      spec: { clusterIP: "10.0.0.20", ports: [{ name: "http", port: 80 }], selector: { app: name } },
    });
  server.put(FENCES, slimeFence(spec));
  server.put(SIDECARS, slimeSidecar(owner, labels));
}

interface WrittenSidecar {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>>; readonly uid: string };
  readonly spec: { readonly egress: readonly { readonly hosts: readonly string[] }[] };
}

const sidecarOf = (server: FakeApiServer) => server.get(SIDECARS, FENCE) as WrittenSidecar | undefined;

test("issue 16: a Sidecar that Slime made for the fence becomes ours where it is: not deleted, no conflict, and what was visible stays so", async (t) => {
  let uid: string | undefined;
  const { server, condition } = await startCluster(t, (fake) => {
    prepare(fake);
    uid = sidecarOf(fake)?.metadata.uid;
  });
  await until(() => sidecarOf(server)?.metadata.labels?.["app.kubernetes.io/managed-by"] === "fenceline");
  await until(() => condition("Enforced") === "True SidecarRendered");
  assert.equal(condition("Conflict"), "False NoOtherSidecar");
  assert.equal(sidecarOf(server)?.metadata.uid, uid);
  assert.equal(server.requests.filter(({ method, path }) => method === "DELETE" && path.includes("/sidecars/")).length, 0);
  const hosts = sidecarOf(server)?.spec.egress.flatMap((each) => each.hosts) ?? [];
  for (const host of [CALLED, DECLARED]) assert.ok(hosts.includes(`shop/${host}`), hosts.join(" "));
  const { domains = {} } = (server.get(FENCES, FENCE)?.status ?? {}) as Partial<ServiceFenceStatus>;
  assert.deepEqual([domains[CALLED]?.source, domains[DECLARED]?.source], ["imported", "static"]);
});

test("issue 16: the Sidecar that Slime left of a fence that is off goes", async (t) => {
  const { server } = await startCluster(t, (fake) => prepare(fake, { enable: false }));
  await until(() => sidecarOf(server) === undefined);
});

for (const [what, owner, labels] of [
  ["owned by a kind of others", { apiVersion: "apps/v1", kind: "Deployment" }, {}],
  ["owned by a group of others", { apiVersion: "example.com/v1" }, {}],
  ["managed by another tool", {}, { "app.kubernetes.io/managed-by": "Helm" }],
] as const)
  test(`issue 16: a Sidecar that is ${what} is left as it is, and is a conflict`, async (t) => {
    const { server, condition } = await startCluster(t, (fake) => prepare(fake, {}, owner, labels));
    await until(() => condition("Conflict")?.startsWith("True") === true);
    assert.deepEqual(sidecarOf(server)?.spec, slimeSidecar().spec);
    assert.notEqual(sidecarOf(server)?.metadata.labels?.["app.kubernetes.io/managed-by"], "fenceline");
  });

/** The mesh-wide EnvoyFilter of Slime's chart, for one port. */
function slimeFilter(namespace: string, name = "to-global-sidecar") {
  const outbound = (more: object) => ({ context: "SIDECAR_OUTBOUND", ...more });
  const host = (vhost: string) => ({ routeConfiguration: { name: "80", vhost: { name: vhost } } });
  const cluster = "outbound|80||global-sidecar.mesh-operator.svc.cluster.local";
  const route = { match: { prefix: "/" }, route: { timeout: "0s", cluster } };
  const allowAll = { virtual_hosts: [{ name: "allow_all", domains: ["*"], routes: [route] }] };
  return {
    metadata: { namespace, name },
    spec: {
      configPatches: [
        { applyTo: "VIRTUAL_HOST", match: outbound(host("allow_any")), patch: { operation: "REMOVE" } },
        {
          applyTo: "ROUTE_CONFIGURATION",
          match: outbound({ routeConfiguration: { name: "80" } }),
          patch: { operation: "MERGE", value: allowAll },
        },
      ],
    },
  };
}

test("issue 16: the mesh-wide EnvoyFilter of Slime is named as what keeps calls from our fallback, until it is deleted", async (t) => {
  const { server, condition, message } = await startCluster(t, (fake) => fake.put(FILTERS, slimeFilter("istio-system")));
  await until(() => condition("FallbackReady") === "False CatchAllRemoved");
  assert.match(message("FallbackReady"), /^EnvoyFilter istio-system\/to-global-sidecar takes Istio's catch-all routes away/);
  assert.equal(condition("Enforced"), "True SidecarRendered", "calls to unknown hosts still have a way");
  server.remove(FILTERS, { namespace: "istio-system", name: "to-global-sidecar" });
  await until(() => condition("FallbackReady") === "True EndpointsReady");
});

test("issue 16: one of another namespace, and one for the fallback's own proxies alone, keep nothing from it", async (t) => {
  const filter = slimeFilter("test1");
  const [first, ...others] = filter.spec.configPatches;
  const own = { ...first, match: { ...first?.match, proxy: { metadata: { SLIME_APP: "LAZYLOAD_GLOBAL_SIDECAR" } } } };
  const { server, condition } = await startCluster(t, (fake) => {
    fake.put(FILTERS, slimeFilter("test2"));
    fake.put(FILTERS, { ...filter, spec: { configPatches: [own, ...others] } });
  });
  await until(() => condition("FallbackReady") === "True EndpointsReady");
  server.put(FILTERS, filter);
  await until(() => condition("FallbackReady") === "False CatchAllRemoved");
});
