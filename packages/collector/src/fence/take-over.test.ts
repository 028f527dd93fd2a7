import assert from "node:assert/strict";
import { test } from "node:test";
import { objectsByKind, parseManifests, type ServiceFence } from "@fenceline/api";
import { FenceEdges } from "@fenceline/edges";
import { RecordedLookup } from "@fenceline/registry";
import { Mesh } from "../mesh.ts";
import { CAPTURED_MESH, CONFIG, meshOf } from "../testing/mesh.ts";
import { seedAutoHosts } from "./auto-hosts.ts";
import { ageingPolicy, takeOver } from "./take-over.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

function bookOf(fenceYaml: string) {
  const mesh = meshOf(`${CAPTURED_MESH.replace(/---\n\{apiVersion: microservice[^\n]*\n/, "")}---\n${fenceYaml}`);
  const [fence] = mesh.fences() as [ServiceFence];
  const edges = new FenceEdges(ageingPolicy(fence, CONFIG, mesh.registry));
  takeOver(edges, fence, mesh.registry, NOW);
  return edges.hosts().map(({ host, source }) => `${host} ${source}`);
}

const fence = (more: string) =>
  `apiVersion: microservice.slime.io/v1alpha1\nkind: ServiceFence\nmetadata: {name: a, namespace: test1}\n${more}`;

test("what we had learned is restored with its times, what had expired is not", () => {
  const status = `status:
  domains:
    b.test1.svc.cluster.local: {source: learned, status: ACTIVE, firstSeen: "2025-01-01T00:00:00Z", lastSeen: "2025-06-01T00:00:00Z", requests: 7, ports: [80]}
    web.shop.svc.cluster.local: {source: learned, status: EXPIRE, lastSeen: "2025-06-01T00:00:00Z"}
`;
  assert.deepEqual(bookOf(fence(status)), ["b.test1.svc.cluster.local learned"]);
});

test("T-11 a learned host whose times are not readable is restored all the same, one that was last seen in the future as seen now", () => {
  const status = `status:
  domains:
    b.test1.svc.cluster.local: {source: learned, lastSeen: soon, requests: 7}
    web.shop.svc.cluster.local: {source: learned, lastSeen: "2099-06-01T00:00:00Z"}
`;
  assert.deepEqual(bookOf(fence(status)), ["b.test1.svc.cluster.local learned", "web.shop.svc.cluster.local learned"]);
});

test("what Slime had learned is imported, as far as it exists, short names completed", () => {
  const status = `status:
  metricStatus:
    '{destination_service="b.test1.svc.cluster.local"}': "1"
    '{destination_service="web.shop:8080"}': "3"
    '{request_host="ghost.test1.svc.cluster.local"}': "9"
    'nonsense': "1"
  domains:
    tcpsvc.test1.svc.cluster.local: {hosts: [tcpsvc.test1.svc.cluster.local], status: EXPIREWAIT}
    gone.test1.svc.cluster.local: {hosts: [gone.test1.svc.cluster.local]}
`;
  assert.deepEqual(bookOf(fence(status)), [
    "b.test1.svc.cluster.local imported",
    "tcpsvc.test1.svc.cluster.local imported",
    "web.shop.svc.cluster.local imported",
  ]);
});

test("row 14: hosts of ServiceEntries that Slime had learned are imported, as the entries name them, and no others outside of the registry", () => {
  const entry = (host: string, exportTo: string) =>
    `{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: ${host.replace("*.", "")}, namespace: partners}, spec: {hosts: ["${host}"], exportTo: ["${exportTo}"], addresses: [240.0.0.1], ports: [{number: 80, name: http, protocol: HTTP}]}}`;
  const called = ["api.example.com", "shop.partner.example:443", "nobody.example.org", "hidden.example.net"];
  const status = `status:\n  metricStatus:\n${called.map((host) => `    '{request_host="${host}"}': "1"\n`).join("")}`;
  const entries = [
    entry("api.example.com", "*"),
    entry("*.partner.example", "*"),
    entry("*.example", "*"),
    entry("hidden.example.net", "."),
  ];
  const { objects } = parseManifests(`${[...entries, fence(status)].join("\n---\n")}`, "test.yaml");
  const mesh = new Mesh({ ...objectsByKind(objects), meshConfigs: [] }, CONFIG);
  const [of] = mesh.fences() as [ServiceFence];
  const edges = new FenceEdges(ageingPolicy(of, CONFIG, mesh.registry));
  takeOver(edges, of, mesh.registry, NOW, mesh.meshHosts);
  assert.deepEqual(
    edges.hosts().map(({ host, source }) => `${host} ${source}`),
    ["*.partner.example imported", "api.example.com imported"],
  );
});

test("T-11 a key of metricStatus takes no longer to read than it is long, whatever it says", () => {
  // Read character by character this is nothing; with a pattern that tries each split it was hours.
  const status = {
    domains: {},
    metricStatus: { [`{destination_service="${"a".repeat(1_000_000)}`]: "1", 'request_host="b.test1:80"': "1" },
  };
  const mesh = meshOf(CAPTURED_MESH);
  const [fence] = mesh.fences() as [ServiceFence];
  const edges = new FenceEdges(ageingPolicy(fence, CONFIG, mesh.registry));
  takeOver(edges, { ...fence, status }, mesh.registry, NOW);
  assert.deepEqual(
    edges.hosts().map(({ host }) => host),
    ["b.test1.svc.cluster.local"],
  );
});

test("a new fence is preloaded with what its warm-up names, an old one is not", () => {
  const warmUp = (preload: string) => fence(`spec: {enable: true, warmUp: {preload: ${preload}}}\n`);
  assert.deepEqual(bookOf(warmUp("Namespace")), ["b.test1.svc.cluster.local preloaded", "tcpsvc.test1.svc.cluster.local preloaded"]);
  assert.deepEqual(bookOf(warmUp("[web.shop]")), ["web.shop.svc.cluster.local preloaded"]);
  assert.equal(bookOf(warmUp("All")).length, 4);
  assert.deepEqual(bookOf(`${warmUp("All")}status: {observedUntil: "2025-01-01T00:00:00Z"}\n`), []);
});

test("a static host with Slime's auto strategy lives in the book, unless it aged out before", () => {
  const spec = `spec: {host: {b: {auto: {duration: {seconds: 60}}}, tcpsvc: {stable: {}}}}\n`;
  assert.deepEqual(bookOf(fence(spec)), ["b.test1.svc.cluster.local static"]);
  assert.deepEqual(bookOf(fence(`${spec}status: {domains: {b.test1.svc.cluster.local: {source: static, status: EXPIRE}}}\n`)), []);
});

test("a static host that was called and then left the spec is kept as learned, until it ages", () => {
  const status = `status: {domains: {b.test1.svc.cluster.local: {source: static, status: ACTIVE, lastSeen: "2025-06-01T00:00:00Z"}}}\n`;
  assert.deepEqual(bookOf(fence(status)), ["b.test1.svc.cluster.local learned"]);
  const auto = `spec: {host: {b: {auto: {duration: {seconds: 60}}}}}\n`;
  assert.deepEqual(bookOf(fence(`${auto}${status}`)), ["b.test1.svc.cluster.local static"]);
});

test("T-08 a restart takes back all that was learned, also beyond maxHosts, and a warm-up fills no more than the room that is left", () => {
  const hosts = ["b.test1", "web.shop", "tcpsvc.test1"].map(
    (host) => `    ${host}.svc.cluster.local: {source: learned, lastSeen: "2025-06-01T00:00:00Z"}\n`,
  );
  assert.equal(bookOf(fence(`spec: {enable: true, maxHosts: 1}\nstatus:\n  domains:\n${hosts.join("")}`)).length, 3);
  assert.equal(bookOf(fence("spec: {enable: true, maxHosts: 1, warmUp: {preload: Namespace}}\n")).length, 1);
});

test("issue 13: thousands of hosts that do not age by use cost no look-up when their fence changes", () => {
  const hosts = Array.from({ length: 1_000 }, (_, index) => `h${index}.test1: {}`);
  const mesh = meshOf(fence(`spec: {host: {${hosts.join(", ")}, b.test1: {auto: {}}}}`));
  const [declared] = mesh.fences() as [ServiceFence];
  const registry = new RecordedLookup(mesh.registry);
  seedAutoHosts(new FenceEdges(ageingPolicy(declared, CONFIG, mesh.registry)), declared, registry, NOW);
  assert.ok(registry.reads.names.size <= 2, `${registry.reads.names.size} names`);
});
