import assert from "node:assert/strict";
import { test } from "node:test";
import { Node, parseManifests } from "@fenceline/api";
import { ADDRESS_KIND, MAX_ENDPOINTS_TOLD } from "@fenceline/api/vocabulary";
import { MeshAddressBook } from "./mesh-addresses.ts";
import { Registry } from "./registry.ts";
import { differences } from "./testing/differences.ts";

const CLUSTER_IP = "10.96.0.79";
const service = (more = "", namespace = "evil", clusterIP = CLUSTER_IP) =>
  `{apiVersion: v1, kind: Service, metadata: {name: x, namespace: ${namespace}}, spec: {clusterIP: ${clusterIP}, ports: [{name: x, port: 80}, {name: dns, port: 53, protocol: UDP}]${more}}}`;
const slice = (addresses: readonly string[], port = 8080, name = "x-1", namespace = "evil") =>
  `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: ${name}, namespace: ${namespace}, labels: {kubernetes.io/service-name: x}}, endpoints: [${addresses.map((each) => `{addresses: ["${each}"]}`).join(", ")}], ports: [{name: x, port: ${port}}, {name: dns, port: 53, protocol: UDP}]}`;
const node = (name: string, address: string) =>
  Node.parse({ apiVersion: "v1", kind: "Node", metadata: { name }, status: { addresses: [{ type: "InternalIP", address }] } });

/** A book that is told what differs from one view to the next, and what it tells then. */
function newBook() {
  const registry = new Registry({ services: [], endpointSlices: [] });
  const book = new MeshAddressBook("fenceline", () => registry);
  const told: string[][] = [];
  book.onChange((changed) => told.push([...changed].sort()));
  let before = { services: [] as never[], endpointSlices: [] as never[], nodes: [] as readonly Node[] };
  const refresh = (manifests: readonly string[], nodes: readonly Node[] = []) => {
    const { objects } = parseManifests(manifests.join("\n---\n"), "mesh.yaml");
    const of = (kind: string) => objects.filter((object) => object.kind === kind) as never[];
    const after = { services: of("Service"), endpointSlices: of("EndpointSlice"), nodes };
    const changes = {
      services: differences(before.services, after.services),
      endpointSlices: differences(before.endpointSlices, after.endpointSlices),
      nodes: differences(before.nodes, after.nodes),
    };
    before = after;
    registry.apply(changes);
    book.apply(changes);
    return told.splice(0);
  };
  const behind = () => (book.get(CLUSTER_IP)?.leadsTo ?? []).map(({ port, address, targetPort }) => `${port} ${address}:${targetPort}`);
  return { book, refresh, behind };
}

const OWN = [service("", "fenceline", "10.96.0.201"), slice(["10.0.0.3"], 18082, "x-1", "fenceline")];

const TOLD: readonly (readonly [what: string, address: string, is: boolean])[] = [
  ["a pod", "10.0.1.11", false],
  ["a pod with an IPv6 address", "2001:db8::7", false],
  ["Fenceline's pod", "10.0.0.3", true],
  ["Fenceline's ClusterIP", "10.96.0.201", true],
  ["a node", "192.168.50.2", true],
  ["link-local", "169.254.169.254", true],
  ["loopback", "127.0.0.1", true],
  ["an address outside", "203.0.113.10", true],
];
for (const [what, address, is] of TOLD) {
  test(`T-06 of a ClusterIP the book tells ${is ? "that it leads to" : "nothing of"} ${what}`, () => {
    const { refresh, behind } = newBook();
    refresh([...OWN, service(), slice([address])], [node("one", "192.168.50.2")]);
    assert.deepEqual(behind(), is ? [`80 ${address}:8080`] : []);
  });
}

for (const [what, address, written] of [
  ["with zeros in front", "010.000.0.03", "10.0.0.3"],
  ["in the spelling of IPv6", "::ffff:10.0.0.3", "10.0.0.3"],
  ["in that of IPv6, as two groups", "::FFFF:a9fe:a9fe", "169.254.169.254"],
  ["of a node, with zeros in front", "192.168.050.002", "192.168.50.2"],
] as const) {
  test(`T-06 a slice hides no address behind another spelling of it: ${what}`, () => {
    const { refresh, behind } = newBook();
    refresh([...OWN, service(), slice([address])], [node("one", "192.168.50.2")]);
    assert.deepEqual(behind(), [`80 ${written}:8080`]);
  });
}

for (const [field, spec] of [
  ["a ClusterIP with zeros in front", 'clusterIP: "010.096.00.79"'],
  ["a ClusterIP in the spelling of IPv6", 'clusterIP: "::ffff:10.96.0.79"'],
  ["an external IP with zeros in front", 'clusterIP: 10.96.0.80, externalIPs: ["10.96.000.079"]'],
] as const) {
  test(`T-06 ${field} is known by the address that callers dial, with what is behind it`, () => {
    const { refresh, behind } = newBook();
    const written = `{apiVersion: v1, kind: Service, metadata: {name: x, namespace: evil}, spec: {${spec}, ports: [{name: x, port: 80}]}}`;
    refresh([...OWN, written, slice(["169.254.169.254"])]);
    assert.deepEqual(behind(), ["80 169.254.169.254:8080"]);
  });
}

test("T-05 what a Service with a selector has behind it is taken for its pods, however public, and never for what it is not", () => {
  const { refresh, behind } = newBook();
  refresh([...OWN, service(", selector: {app: x}"), slice(["203.0.113.10", "10.0.0.3", "169.254.169.254"])]);
  assert.deepEqual(behind(), ["80 10.0.0.3:8080", "80 169.254.169.254:8080"]);
});

test("T-06 a ClusterIP is told anew when a slice comes, when another object says what its endpoint is, and when that goes", () => {
  const { refresh, behind } = newBook();
  const ours = [service(), slice(["192.168.50.2"])];
  refresh(ours);
  assert.deepEqual(behind(), []);
  assert.deepEqual(refresh(ours, [node("one", "192.168.50.2")]), [[CLUSTER_IP, "192.168.50.2"]]);
  assert.deepEqual(behind(), ["80 192.168.50.2:8080"]);
  assert.deepEqual(refresh(ours), [[CLUSTER_IP, "192.168.50.2"]]);
  assert.deepEqual(behind(), []);
  refresh([...ours, slice(["169.254.169.254"], 80, "x-2")]);
  assert.deepEqual(behind(), ["80 169.254.169.254:80"]);
  refresh([service()]);
  assert.deepEqual(behind(), []);
});

test("T-06 a Service that comes after its slice, goes, or gets its ClusterIP later leads where its slices say", () => {
  const { refresh, behind, book } = newBook();
  const bad = slice(["169.254.169.254"]);
  refresh([bad]);
  assert.equal(book.get(CLUSTER_IP), undefined);
  refresh([service(), bad]);
  assert.deepEqual(behind(), ["80 169.254.169.254:8080"]);
  refresh([service("", "evil", "None"), bad]);
  assert.equal(book.get(CLUSTER_IP), undefined);
  refresh([service().replace("port: 80}", "port: 880}"), bad]);
  assert.deepEqual(behind(), ["880 169.254.169.254:8080"]);
  refresh([]);
  assert.equal(book.size, 0);
});

test("T-06 one of all nodes is told of a Service that has them behind it, and another node tells nothing of the others", () => {
  const { refresh, behind } = newBook();
  const addresses = Array.from({ length: 300 }, (_, at) => `192.168.${at >> 8}.${at & 255}`);
  const nodes = addresses.map((address, at) => node(`n${at}`, address));
  const manifests = [service(), slice(addresses, 9100)];
  refresh(manifests, nodes.slice(1));
  assert.deepEqual(behind(), ["80 192.168.0.1:9100"]);
  assert.deepEqual(refresh(manifests, nodes), [[CLUSTER_IP, "192.168.0.0"]]);
  assert.deepEqual(behind(), ["80 192.168.0.0:9100"]);
});

test("T-06 an endpoint that is refused for its kind is told beside any number of addresses outside, and the limit shows", () => {
  const { refresh, book, behind } = newBook();
  const outside = Array.from({ length: 300 }, (_, at) => `203.0.${at >> 8}.${at & 255}`);
  refresh([...OWN, service(), slice([...outside, "169.254.169.254", "10.0.0.3"])]);
  assert.equal(book.get(CLUSTER_IP)?.leadsTo?.length, MAX_ENDPOINTS_TOLD + 1);
  assert.deepEqual(behind().slice(0, 2), ["80 10.0.0.3:8080", "80 169.254.169.254:8080"]);
});

test("T-06 what is behind a Service is told of its external IPs, too, which are nothing else for it", () => {
  const { book, refresh } = newBook();
  const external = "198.51.100.50";
  refresh([service(`, externalIPs: [${external}]`), slice(["169.254.169.254"])]);
  const leadsTo = [{ port: 80, address: "169.254.169.254", targetPort: 8080 }];
  assert.deepEqual(book.get(external), { address: external, kinds: ADDRESS_KIND.EXTERNAL_IP, ports: [], leadsTo });
  refresh([service(), slice(["169.254.169.254"])]);
  assert.equal(book.get(external), undefined);
});

test("T-06 what is behind a Service is told of its load balancer's addresses, too: kube-proxy takes them for it", () => {
  const { book, refresh } = newBook();
  const balanced = (ingress: string) => service().replace(/}$/, `, status: {loadBalancer: {ingress: ${ingress}}}}`);
  const bad = slice(["169.254.169.254"]);
  const leadsTo = [{ port: 80, address: "169.254.169.254", targetPort: 8080 }];
  refresh([balanced('[{hostname: lb.example}, {ip: ""}, {ip: 198.51.100.50}, {ip: "2001:DB8::0:7", ipMode: VIP}]'), bad]);
  for (const address of ["198.51.100.50", "2001:db8::7"])
    assert.deepEqual(book.get(address), { address, kinds: ADDRESS_KIND.EXTERNAL_IP, ports: [], leadsTo });
  for (const ingress of ["null", "[]", "[{hostname: lb.example}]", "nonsense"]) {
    refresh([balanced(ingress), bad]);
    assert.equal(book.get("198.51.100.50"), undefined, ingress);
  }
});

test("T-06 a ClusterIP is told to lead to an address that another Service has outside of its ClusterIPs, private or a node's", () => {
  const { refresh, behind } = newBook();
  const other = (address: string) =>
    `{apiVersion: v1, kind: Service, metadata: {name: lb, namespace: evil}, spec: {clusterIP: 10.96.0.80, ports: [{port: 8080}]}, status: {loadBalancer: {ingress: [{ip: ${address}}]}}}`;
  refresh([service(), slice(["10.9.9.9"])]);
  assert.deepEqual(behind(), []);
  refresh([service(), slice(["10.9.9.9"]), other("10.9.9.9")]);
  assert.deepEqual(behind(), ["80 10.9.9.9:8080"]);
  const nodes = [node("one", "192.168.50.1"), node("two", "192.168.50.2")];
  refresh([service(), slice(["192.168.50.1", "192.168.50.2"]), other("192.168.50.2")], nodes);
  assert.deepEqual(behind().sort(), ["80 192.168.50.1:8080", "80 192.168.50.2:8080"]);
});
