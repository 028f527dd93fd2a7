import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceEntry, ServiceFence, VirtualService } from "@fenceline/api";
import { MeshHosts, Registry } from "@fenceline/registry";
import { type EgressHost, egressHosts, type FenceInput } from "./egress-hosts.ts";

const NOW = Date.parse("2026-01-02T00:00:00Z");
const ZIPKIN = "zipkin.tracing.svc.cluster.local";
const BY = ["MeshConfig extensionProviders[zipkin]"];
const service = (namespace: string, name: string) => ({
  ...({ apiVersion: "v1", kind: "Service", metadata: { namespace, name, labels: {} } } as const),
  spec: { type: "ClusterIP" as const, ports: [{ name: "http", port: 80, protocol: "TCP" as const }] },
});
const registry = new Registry({ services: [service("tracing", "zipkin")] as never, endpointSlices: [] });
const fence = (host: object = {}) =>
  ServiceFence.parse({
    ...{ apiVersion: "microservice.slime.io/v1alpha1", kind: "ServiceFence", metadata: { namespace: "test1", name: "a" } },
    spec: { enable: true, host },
  });
const entry = (namespace: string, host: string) =>
  ServiceEntry.parse({
    ...{ apiVersion: "networking.istio.io/v1", kind: "ServiceEntry", metadata: { namespace, name: "one", labels: {} } },
    spec: { hosts: [host], addresses: ["240.0.0.1"], ports: [{ number: 80, name: "http", protocol: "HTTP" }] },
  });

function needed(host: string, given: Partial<FenceInput> = {}, namespace?: string): readonly EgressHost[] {
  const required = [{ namespace, host, by: BY }];
  return egressHosts({ fence: fence(), booked: [], registry, now: NOW, serviceEntries: "Learn", required, ...given });
}

test("issue 16: a host that proxies need is in the fence, with what needs it", () => {
  const expected = [{ egress: `tracing/${ZIPKIN}`, also: [], host: ZIPKIN, source: "required", expired: false, requiredBy: BY }];
  assert.deepEqual(needed(ZIPKIN), expected);
  assert.deepEqual(needed("zipkin.tracing"), expected, "as the fence's namespace means it");
});

test("issue 16: a Service that is not seen here may be one of another cluster, and has its namespace in its name", () => {
  const hosts = needed("remote.other.svc.cluster.local");
  assert.deepEqual(
    hosts.map(({ egress }) => egress),
    ["other/remote.other.svc.cluster.local"],
  );
});

test("issue 16: any other host is needed as its ServiceEntries have it; one that nobody has, istiod finds no cluster of", () => {
  const meshHosts = new MeshHosts({ serviceEntries: [entry("partners", "*.example")] });
  assert.deepEqual(
    needed("login.example", { meshHosts }).map(({ egress }) => egress),
    ["partners/*.example"],
  );
  assert.deepEqual(needed("login.example"), []);
  assert.deepEqual(
    needed("login.example", {}, "keys").map(({ egress }) => egress),
    ["keys/login.example"],
    "MeshConfig says whose it is",
  );
});

test("issue 16: a host that is learned, declared or past its deadline as well stays what it was, and does not go", () => {
  const learned = needed(ZIPKIN, { booked: [{ host: ZIPKIN, source: "learned" }] });
  assert.deepEqual(
    learned.map(({ source, requiredBy }) => [source, requiredBy]),
    [["learned", BY]],
  );
  const declared = needed(ZIPKIN, { fence: fence({ [ZIPKIN]: { deadline: { expire: { seconds: NOW / 1_000 + 86_400 } } } }) });
  assert.deepEqual(
    declared.map(({ source, expired }) => [source, expired]),
    [["static", false]],
  );
  const over = needed(ZIPKIN, { fence: fence({ [ZIPKIN]: { deadline: { expire: { seconds: NOW / 1_000 - 86_400 } } } }) });
  assert.deepEqual(
    over.map(({ source, expired }) => [source, expired]),
    [["required", false]],
  );
});

test("issue 16: routes for it are in force, since the workload sees it now, too", () => {
  const virtualServices = [
    VirtualService.parse({
      ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { namespace: "third", name: "one" } },
      spec: { hosts: [ZIPKIN], http: [{ timeout: "1s" }] },
    }),
  ];
  const [host] = needed(ZIPKIN, { meshHosts: new MeshHosts({ virtualServices }) });
  assert.deepEqual(host?.also, [`third/${ZIPKIN}`]);
});
