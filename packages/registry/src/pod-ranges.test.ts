import assert from "node:assert/strict";
import { test } from "node:test";
import { Node, parseManifests } from "@fenceline/api";
import { MeshAddressBook } from "./mesh-addresses.ts";
import { Registry } from "./registry.ts";
import { differences } from "./testing/differences.ts";

const mesh = (address: string, spec = "clusterIP: 10.96.0.1, selector: {app: b}") => `
{apiVersion: v1, kind: Service, metadata: {name: b, namespace: test1}, spec: {${spec}, ports: [{port: 80}]}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: b-1, namespace: test1, labels: {kubernetes.io/service-name: b}}, addressType: ${address.includes(":") ? "IPv6" : "IPv4"}, endpoints: [{addresses: ["${address}"]}], ports: [{port: 8080}]}
`;

const node = (podCIDRs: readonly string[], address = "192.0.2.1") =>
  Node.parse({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "one" },
    spec: { podCIDRs },
    status: { addresses: [{ type: "InternalIP", address }] },
  });

function podOutside(manifests: string, nodes: readonly Node[], ranges: readonly string[] = []) {
  const { objects } = parseManifests(manifests, "mesh.yaml");
  const services = objects.filter((object) => object.kind === "Service");
  const endpointSlices = objects.filter((object) => object.kind === "EndpointSlice");
  const registry = new Registry({ services, endpointSlices });
  const book = new MeshAddressBook("fenceline", () => registry, ranges);
  book.apply({
    services: differences([], services),
    endpointSlices: differences([], endpointSlices),
    nodes: differences([], nodes),
  });
  return book.podOutsideRanges();
}

test("T-05 a pod whose address is in no range tells that the network plugin does not keep to the nodes' podCIDRs", () => {
  for (const address of ["10.1.0.7", "2001:db8:7::9"]) {
    assert.equal(podOutside(mesh(address), [node([])]), address);
    assert.equal(podOutside(mesh(address), [node(["10.244.0.0/24", "", "nonsense/8", "10.0.0.0/99"])]), address);
    assert.equal(podOutside(mesh(address), [node(["10.1.0.0/24", "2001:db8:7::/64"])]), undefined);
    assert.equal(podOutside(mesh(address), [node([])], ["10.0.0.0/8", "2001:db8::/32"]), undefined);
  }
});

test("T-05 a pod on its node's network, and what somebody wrote into a slice of his own, tell nothing of ranges", () => {
  assert.equal(podOutside(mesh("192.0.2.1"), [node([])]), undefined);
  assert.equal(podOutside(mesh("10.1.0.7", "clusterIP: 10.96.0.1"), [node([])]), undefined);
});
