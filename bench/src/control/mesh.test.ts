import assert from "node:assert/strict";
import { test } from "node:test";
import { BenchMesh, endpointSlice, LEARNED_HOSTS } from "./mesh.ts";

const SIZE = { services: 1_000, fences: 500 };
const mesh = new BenchMesh(SIZE);

test("the hosts of a fence are services of the mesh, and all different: an edge that counts as new is new", () => {
  const services = new Set(Array.from({ length: SIZE.services }, (_, at) => mesh.place(at)).map((at) => `${at.name}.${at.namespace}`));
  for (const fence of [0, 1, SIZE.fences - 1]) {
    const hosts = Array.from({ length: SIZE.services }, (_, index) => mesh.hostOf(fence, index));
    assert.equal(new Set(hosts).size, SIZE.services);
    for (const host of hosts) assert.ok(services.has(host.replace(".svc.cluster.local", "")), host);
  }
});

test("a fence's status has its learned hosts, and nothing else", () => {
  const { status } = mesh.status(3, new Date(0));
  const hosts = Array.from({ length: LEARNED_HOSTS }, (_, index) => mesh.hostOf(3, index));
  assert.deepEqual(Object.keys(status.domains).sort(), hosts.sort());
  assert.equal(status.observedUntil, "1970-01-01T00:00:00Z");
});

test("everything is created once, namespaces first", () => {
  const lists = mesh.objects(new Date(0));
  const names = lists.flat().map(({ kind, metadata: { namespace = "", name } }) => `${kind} ${namespace}/${name}`);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(
    lists.map(([first]) => first?.kind),
    ["Namespace", "ConfigMap", "IPAddress", "Service", "EndpointSlice", "ServiceFence"],
  );
});

test("no two pods have one address, and a changed slice has only new ones", () => {
  const addresses = (at: number, version: number) =>
    (endpointSlice(mesh.place(at), at, version) as unknown as { endpoints: { addresses: string[] }[] }).endpoints.flatMap(
      ({ addresses }) => addresses,
    );
  const before = Array.from({ length: 10_000 }, (_, at) => addresses(at, 0)).flat();
  assert.equal(new Set(before).size, 50_000);
  const known = new Set(before);
  assert.ok(addresses(7, 1).every((address) => !known.has(address)));
});
