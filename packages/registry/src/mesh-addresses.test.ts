import assert from "node:assert/strict";
import { test } from "node:test";
import { type EndpointSlice, Node, parseManifests, type Service, ServiceCIDR } from "@fenceline/api";
import { ADDRESS_KIND, EVERY_FENCE, EVERY_NODE, WHOLE_MESH } from "@fenceline/api/vocabulary";
import { MeshAddressBook } from "./mesh-addresses.ts";
import { Registry } from "./registry.ts";
import { differences } from "./testing/differences.ts";

const { SERVICE, ENDPOINT, NODE, API_SERVER, OWN, POD_RANGE, REGISTRY_ONLY, ALLOW_ANY, FENCE, DEFAULT_SIDECARS } = ADDRESS_KIND;

const service = (namespace: string, name: string, spec: string) =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: ${namespace}}, spec: ${spec}}`;
const slice = (namespace: string, name: string, addresses: string, ports: string) =>
  `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: ${name}-1, namespace: ${namespace}, labels: {kubernetes.io/service-name: ${name}}}, endpoints: [{addresses: [${addresses}]}], ports: [${ports}]}`;

const MESH = {
  b: service(
    "test1",
    "b",
    '{clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1, "fd00:0::1"], ports: [{name: http, port: 80}, {name: dns, port: 53, protocol: UDP}]}',
  ),
  "b slice": slice("test1", "b", "10.1.0.1", "{name: http, port: 8080}, {name: dns, port: 5353, protocol: UDP}"),
  web: service("shop", "web", "{clusterIP: None, ports: [{name: http, port: 80}]}"),
  "web slice": slice("shop", "web", "10.1.0.2", "{name: http, port: 8080}"),
  exporter: slice("test1", "exporter", "192.168.0.1", "{name: metrics, port: 9100}"),
  "exporter service": service("test1", "exporter", "{clusterIP: 10.96.0.7, ports: [{name: metrics, port: 9100}]}"),
  orphan: slice("test1", "gone", "10.1.0.9", "{port: 80}"),
  kubernetes: service("default", "kubernetes", "{clusterIP: 10.96.0.100, ports: [{name: https, port: 443}]}"),
  "kubernetes slice": slice("default", "kubernetes", "192.168.0.250", "{name: https, port: 6443}"),
  collector: service("fenceline", "fenceline-collector", "{clusterIP: 10.96.0.200, ports: [{port: 18081}]}"),
  "collector slice": slice("fenceline", "fenceline-collector", "10.1.0.200", "{port: 18081}"),
};

const node = (...addresses: string[]) =>
  Node.parse({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "one" },
    status: { addresses: [{ type: "Hostname", address: "one" }, ...addresses.map((address) => ({ type: "InternalIP", address }))] },
  });

function objectsOf(manifests: readonly string[]) {
  const { objects } = parseManifests(manifests.join("\n---\n"), "mesh.yaml");
  return {
    services: objects.filter((object) => object.kind === "Service"),
    endpointSlices: objects.filter((object) => object.kind === "EndpointSlice"),
  };
}

interface Objects {
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly nodes?: readonly Node[];
  readonly serviceCIDRs?: readonly ServiceCIDR[];
  readonly outbound?: ReadonlyMap<string, number>;
  readonly sidecars?: ReadonlyMap<string, readonly (readonly string[])[]>;
}

/** A book that is told what changed from one view of the objects to the next. */
function newBook() {
  const registry = new Registry({ services: [], endpointSlices: [] });
  const book = new MeshAddressBook("fenceline", () => registry);
  let before: Objects = { services: [], endpointSlices: [] };
  const refresh = (after: Objects) => {
    const changes = {
      services: differences(before.services, after.services),
      endpointSlices: differences(before.endpointSlices, after.endpointSlices),
      nodes: differences(before.nodes, after.nodes),
      serviceCIDRs: differences(before.serviceCIDRs, after.serviceCIDRs),
    };
    before = after;
    registry.apply(changes);
    book.apply(changes, after.outbound ?? new Map(), undefined, after.sidecars);
  };
  return Object.assign(book, { refresh });
}

function bookOf(manifests: readonly string[], nodes = [node("192.168.0.1")]) {
  const book = newBook();
  book.refresh({ ...objectsOf(manifests), nodes });
  return book;
}

const EXPECTED: readonly (readonly [address: string, kinds: number, ports: readonly number[]])[] = [
  ["10.96.0.1", SERVICE, [80]],
  ["fd00::1", SERVICE, [80]],
  ["10.1.0.1", ENDPOINT, [8080]],
  ["10.1.0.2", ENDPOINT, [80, 8080]],
  ["192.168.0.1", ENDPOINT | NODE, [9100]],
  ["10.1.0.9", ENDPOINT, []],
  ["10.96.0.100", SERVICE | API_SERVER, [443]],
  ["192.168.0.250", ENDPOINT | API_SERVER, [6443]],
  ["10.96.0.200", SERVICE | OWN, [18081]],
  ["10.1.0.200", ENDPOINT | OWN, [18081]],
];

for (const [address, kinds, ports] of EXPECTED) {
  test(`T-05 ${address} is of kind ${kinds} with ports ${ports.join(", ") || "none"}`, () => {
    assert.deepEqual(bookOf(Object.values(MESH)).get(address), { address, kinds, ports });
  });
}

test("T-05 what is not of the mesh is not in the book", () => {
  const book = bookOf(Object.values(MESH));
  for (const address of ["8.8.8.8", "None", "one", ""]) assert.equal(book.get(address), undefined, address);
  assert.equal([...book.addresses()].length, book.size);
});

test("T-05 a slice of somebody else cannot take the mark of an address of ours", () => {
  const book = bookOf([
    ...Object.values(MESH),
    slice("evil", "x", "10.1.0.200", "{port: 80}"),
    service("evil", "x", "{ports: [{port: 80}]}"),
  ]);
  assert.deepEqual(book.get("10.1.0.200"), { address: "10.1.0.200", kinds: ENDPOINT | OWN, ports: [80, 18081] });
});

test("T-05 a change tells the addresses that it is about, and no others", () => {
  const before = objectsOf(Object.values(MESH));
  const book = newBook();
  book.refresh(before);
  const changes: string[][] = [];
  book.onChange((changed) => changes.push([...changed].sort()));
  book.refresh({ ...before });
  const [moved] = objectsOf([slice("test1", "b", "10.1.0.77", "{name: http, port: 8080}")]).endpointSlices;
  assert.ok(moved);
  book.refresh({ ...before, endpointSlices: before.endpointSlices.map((each) => (each.metadata.name === "b-1" ? moved : each)) });
  assert.equal(book.get("10.1.0.1"), undefined);
  assert.deepEqual(book.get("10.1.0.77")?.ports, [8080]);
  book.refresh({ services: [], endpointSlices: [], nodes: [] });
  assert.equal(book.size, 0);
  assert.deepEqual(changes[0], ["10.1.0.1", "10.1.0.77"]);
  assert.equal(changes.length, 2);
});

test("T-05 the ranges that nodes give their pods addresses from are in the book, and go with their node", () => {
  const one = { ...node("192.168.0.1"), spec: { podCIDR: "10.244.1.0/24", podCIDRs: ["10.244.1.0/24", "fd00:10:244:1::/64"] } };
  const book = bookOf([], [one]);
  for (const address of ["10.244.1.0/24", "fd00:10:244:1::/64"])
    assert.deepEqual(book.get(address), { address, kinds: POD_RANGE, ports: [] });
  assert.equal(book.size, 3);
  book.refresh({ services: [], endpointSlices: [], nodes: [{ ...one, spec: { podCIDR: "", podCIDRs: null } }] });
  assert.equal(book.get("10.244.1.0/24"), undefined);
  assert.equal(book.size, 1);
});

test("T-05 the configuration's ranges of pods are in the book from the start, and stay when a node that has the same one goes", () => {
  const registry = new Registry({ services: [], endpointSlices: [] });
  const book = new MeshAddressBook("fenceline", () => registry, ["10.0.0.0/16", "fd00:10::/48", "10.0.0.0/16"]);
  const all = () => [...book.addresses()].map(({ address, kinds }) => [address, kinds]);
  const configured = [
    ["10.0.0.0/16", POD_RANGE],
    ["fd00:10::/48", POD_RANGE],
  ];
  assert.deepEqual(all(), configured);
  const one = { ...node(), spec: { podCIDR: "10.0.0.0/16", podCIDRs: null } };
  book.apply({ services: [], endpointSlices: [], nodes: [{ before: undefined, after: one }] }, new Map());
  assert.deepEqual(all(), configured);
  book.apply({ services: [], endpointSlices: [], nodes: [{ before: one, after: undefined }] }, new Map());
  assert.deepEqual(all(), configured);
});

test("T-05 the ranges of Services are in the book beside those of nodes, whichever of them goes", () => {
  const range = (name: string, ...cidrs: string[]) =>
    ServiceCIDR.parse({ apiVersion: "networking.k8s.io/v1", kind: "ServiceCIDR", metadata: { name }, spec: { cidrs } });
  const book = newBook();
  const both = [range("kubernetes", "10.96.0.0/12", "fd00:10:96::/112"), range("more", "10.96.0.0/12", "10.112.0.0/16")];
  // A node may bear the same name as a range.
  const named = { ...node("192.168.0.1"), metadata: { ...node().metadata, name: "kubernetes" } };
  book.refresh({ services: [], endpointSlices: [], nodes: [named], serviceCIDRs: both });
  for (const address of ["10.96.0.0/12", "fd00:10:96::/112", "10.112.0.0/16"])
    assert.deepEqual(book.get(address), { address, kinds: POD_RANGE, ports: [] });
  assert.equal(book.get("192.168.0.1")?.kinds, NODE);
  book.refresh({ services: [], endpointSlices: [], nodes: [named], serviceCIDRs: both.slice(0, 1) });
  assert.deepEqual([book.get("10.96.0.0/12")?.kinds, book.get("10.112.0.0/16")], [POD_RANGE, undefined]);
  book.refresh({ services: [], endpointSlices: [], nodes: [named] });
  assert.equal(book.size, 1);
});

test("T-05 the namespaces that are REGISTRY_ONLY are in the book, and a change of them is told", () => {
  const book = newBook();
  const objects = { services: [], endpointSlices: [] };
  const closed = (...namespaces: string[]) => new Map(namespaces.map((namespace) => [namespace, REGISTRY_ONLY]));
  book.refresh({ ...objects, outbound: closed("shop", "test1") });
  const changes: string[][] = [];
  book.onChange((changed) => changes.push([...changed].sort()));
  book.refresh({ ...objects, outbound: closed("shop", "test1") });
  book.refresh({ ...objects, outbound: closed("test1", "web") });
  assert.deepEqual(changes, [["shop", "web"]]);
  assert.deepEqual(book.get("test1"), { address: "test1", kinds: REGISTRY_ONLY, ports: [] });
  book.refresh(objects);
  assert.equal(book.size, 0);
});

test("T-05 a mesh that becomes REGISTRY_ONLY is one entry, and a namespace that changes from closed to open is told as it is now", () => {
  const book = newBook();
  const objects = { services: [], endpointSlices: [] };
  book.refresh({ ...objects, outbound: new Map([["test1", REGISTRY_ONLY]]) });
  const changes: string[][] = [];
  book.onChange((changed) => changes.push([...changed].sort()));
  book.refresh({
    ...objects,
    outbound: new Map([
      [WHOLE_MESH, REGISTRY_ONLY],
      ["test1", ALLOW_ANY],
    ]),
  });
  assert.deepEqual(changes, [[WHOLE_MESH, "test1"]]);
  assert.deepEqual(book.get("test1"), { address: "test1", kinds: ALLOW_ANY, ports: [] });
  assert.equal(book.size, 2);
});

test("T-05 the fences are in the book from the first that is told, a change of one in itself tells nothing", () => {
  const registry = new Registry({ services: [], endpointSlices: [] });
  const book = new MeshAddressBook("fenceline", () => registry);
  const told: string[][] = [];
  book.onChange((changed) => told.push([...changed].sort()));
  const fence = (namespace: string, name: string) => ({ metadata: { namespace, name } });
  const [a, b] = [fence("test1", "a"), fence("test1", "b")];
  book.apply({});
  assert.equal(book.size, 0);
  book.apply({ fences: [] });
  book.apply({
    fences: [
      { before: undefined, after: a },
      { before: undefined, after: b },
    ],
  });
  book.apply({ fences: [{ before: a, after: fence("test1", "a") }] });
  book.apply({
    fences: [
      { before: b, after: undefined },
      { before: b, after: undefined },
    ],
  });
  assert.deepEqual(told, [[EVERY_FENCE], ["test1/a", "test1/b"], ["test1/b"]]);
  assert.deepEqual(
    [...book.addresses()],
    [EVERY_FENCE, "test1/a"].map((address) => ({ address, kinds: FENCE, ports: [] })),
  );
});

test("T-05 the service accounts of a fence are in the book beside it, and a change of them is told", () => {
  const registry = new Registry({ services: [], endpointSlices: [] });
  const book = new MeshAddressBook("fenceline", () => registry);
  const told: string[][] = [];
  book.onChange((changed) => told.push([...changed]));
  const fence = (...serviceAccounts: string[]) => ({
    metadata: { namespace: "test1", name: "a" },
    spec: serviceAccounts.length > 0 ? { serviceAccounts } : {},
  });
  const become = (after: ReturnType<typeof fence> | undefined) => book.apply({ fences: [{ before: fence(), after }] });
  book.apply({ fences: [] });
  told.length = 0;
  for (const [after, accounts] of [
    [fence("a"), ["a"]],
    [fence("a"), ["a"]],
    [fence("a", "b"), ["a", "b"]],
    [fence(), undefined],
  ] as const) {
    become(after);
    assert.deepEqual(book.get("test1/a"), { address: "test1/a", kinds: FENCE, ports: [], ...(accounts && { accounts }) });
  }
  become(undefined);
  assert.equal(book.get("test1/a"), undefined);
  assert.deepEqual(told, [["test1/a"], ["test1/a"], ["test1/a"], ["test1/a"]]);
});

test("T-05 the TCP ports that kube-proxy takes on every node for Services are in the book, and go with the last Service that has them", () => {
  const book = newBook();
  const one = service(
    "test1",
    "b",
    "{type: NodePort, ports: [{name: a, port: 80, nodePort: 30080}, {name: u, port: 81, protocol: UDP, nodePort: 30081}]}",
  );
  const other = service(
    "test1",
    "c",
    "{type: LoadBalancer, ports: [{name: a, port: 80, nodePort: 30443}, {name: z, port: 82, nodePort: null}]}",
  );
  book.refresh(objectsOf([one, other]));
  assert.deepEqual(book.get(EVERY_NODE), { address: EVERY_NODE, kinds: NODE, ports: [30080, 30443] });
  book.refresh(objectsOf([one]));
  assert.deepEqual(book.get(EVERY_NODE)?.ports, [30080]);
  book.refresh(objectsOf([service("test1", "b", "{ports: [{name: a, port: 80}]}")]));
  assert.equal(book.get(EVERY_NODE), undefined);
});

test("issue 16: while default Sidecars hide hosts they are in the book, beside whose each address is", () => {
  const objects = objectsOf([
    ...Object.values(MESH),
    slice("shop", "api", "10.1.0.2", "{port: 80}"),
    service("shop", "api", "{ports: [{port: 80}]}"),
  ]);
  const book = newBook();
  book.refresh(objects);
  const told = (address: string) => book.get(address)?.hosts;
  assert.equal(told("10.96.0.1"), undefined);
  const changes: string[][] = [];
  book.onChange((changed) => changes.push([...changed]));
  const hiding = {
    ...objects,
    outbound: new Map([["test1", REGISTRY_ONLY]]),
    sidecars: new Map([
      ["test1", [["./*"]]],
      ["open", []],
    ]),
  };
  book.refresh(hiding);
  assert.deepEqual(book.get("test1"), { address: "test1", kinds: REGISTRY_ONLY | DEFAULT_SIDECARS, ports: [], sidecars: [["./*"]] });
  assert.deepEqual(book.get("open"), { address: "open", kinds: DEFAULT_SIDECARS, ports: [] });
  for (const address of ["10.96.0.1", "fd00::1", "10.1.0.1"]) assert.deepEqual(told(address), ["test1/b.test1.svc.cluster.local"], address);
  assert.deepEqual(told("10.1.0.2"), ["shop/api.shop.svc.cluster.local", "shop/web.shop.svc.cluster.local"]);
  assert.deepEqual([told("10.1.0.9"), told("192.168.0.1")], [undefined, ["test1/exporter.test1.svc.cluster.local"]]);
  assert.ok(changes.flat().includes("10.96.0.1") && !changes.flat().includes("10.1.0.9"));
  changes.length = 0;
  book.refresh({
    ...hiding,
    sidecars: new Map([
      ["test1", [["./*"]]],
      ["open", []],
    ]),
  });
  assert.deepEqual(changes, []);
  book.refresh({ ...hiding, sidecars: new Map([["test1", [["./*", "db/*"]]]]) });
  assert.deepEqual(changes.flat().sort(), ["open", "test1"]);
  book.refresh(objects);
  assert.deepEqual([book.get("test1"), told("10.96.0.1")], [undefined, undefined]);
});
