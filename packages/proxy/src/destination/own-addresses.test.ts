import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { type TestContext, test } from "node:test";
import { createDnsResolver } from "../resolve/dns-resolver.ts";
import { toAddress } from "../resolve/resolver.ts";
import { call, refusalOf } from "../testing/client.ts";
import { startDnsServer } from "../testing/dns-server.ts";
import { startProxy } from "../testing/proxy-under-test.ts";
import { startUpstream } from "../testing/upstream.ts";
import { ownAddressCheck } from "./own-addresses.ts";

const OWN = ["10.96.0.9", "10.1.0.7", "fd00::b"];

/** A proxy behind cluster DNS whose own Service and pod have the addresses {@link OWN}. */
async function setUp(t: TestContext) {
  const dns = await startDnsServer(t);
  const resolver = createDnsResolver({ servers: [dns.address] });
  const proxy = await startProxy(t, {}, { resolver, externalHosts: "forward", ownAddresses: OWN });
  return { dns, proxy };
}

test("T-06 a Service of another namespace whose address is ours is refused, whatever the name and port", async (t) => {
  const { dns, proxy } = await setUp(t);
  dns.records.set("alias.test1.svc.cluster.local", ["10.96.0.9"]);
  dns.records.set("pod.test1.svc.cluster.local", ["10.1.0.7"]);
  dns.records.set("six.test1.svc.cluster.local", ["fd00::b"]);
  dns.records.set("alias.example", ["10.96.0.9"]);
  for (const host of [
    "alias.test1",
    "alias.test1:18081",
    "pod.test1.svc:15000",
    "six.test1",
    "SIX.test1.svc.cluster.local.",
    "alias.example",
  ]) {
    assert.equal(refusalOf(await call(proxy.port, { host })).code, "DESTINATION_IS_SELF", host);
  }
});

test("T-06 an IP literal of ours is refused in every spelling, with a PTR record and without", async (t) => {
  const { dns, proxy } = await setUp(t);
  dns.records.set("7.0.1.10.in-addr.arpa", ["10-1-0-7.alias.test1.svc.cluster.local"]);
  for (const host of ["10.1.0.7:18081", "10.96.0.9", "[fd00::b]", "[FD00:0:0::0b]:18082", "[fd00:0000:0000:0000:0000:0000:0000:000b]"]) {
    assert.equal(refusalOf(await call(proxy.port, { host })).code, "DESTINATION_IS_SELF", host);
  }
});

test("T-06 slime-orig-dest with an address of ours is refused", async (t) => {
  const { proxy } = await setUp(t);
  for (const destination of ["10.96.0.9:18081", "10.1.0.7:18083", "[fd00::b]:80"]) {
    const answer = await call(proxy.port, { host: "made-up.example", headers: { "slime-orig-dest": destination } });
    assert.equal(refusalOf(answer).code, "DESTINATION_IS_SELF", destination);
  }
});

test("T-06 of several addresses that a name resolves to, those that are ours are left out", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("b"));
  const addresses = ["10.96.0.9", "127.0.0.1", "169.254.169.254"].map((address) => toAddress(address, upstream.port));
  const proxy = await startProxy(t, {}, { resolver: { resolve: () => addresses }, ownAddresses: OWN });
  for (let i = 0; i < 6; i += 1) assert.equal((await call(proxy.port)).body.toString(), "b");
  assert.equal(await proxy.metric("fenceline_proxy_upstream_connect_failures_total"), 0);
});

test("T-02 the admin port is refused on every address of this machine, other ports of loopback are not where services are there", async (t) => {
  const admin = await startUpstream(t, (_request, response) => response.end("the admin port"));
  const other = await startUpstream(t, (_request, response) => response.end("a service"));
  const resolve = ({ host, port }: { host: string; port: number }) => [toAddress(host.startsWith("b.") ? "127.0.0.1" : host, port)];
  const proxy = await startProxy(t, {}, { resolver: { resolve }, ownPorts: [admin.port] });
  for (const host of ["b.test1", "127.0.0.1", "127.0.0.2", "[::1]"]) {
    assert.equal(refusalOf(await call(proxy.port, { host: `${host}:${admin.port}` })).code, "DESTINATION_IS_SELF", host);
    assert.equal(refusalOf(await call(proxy.port, { host: `${host}:${proxy.port}` })).code, "DESTINATION_IS_SELF", host);
  }
  assert.equal((await call(proxy.port, { host: `b.test1:${other.port}` })).body.toString(), "a service");
  assert.equal(admin.connections(), 0);
});

test("T-02 in a pod every port of the pod's own addresses is refused: what listens there is ours, or our Envoy's", () => {
  const pod = Object.values(networkInterfaces())
    .flatMap((list = []) => list)
    .filter(({ internal }) => !internal);
  const inPod = ownAddressCheck({ addresses: [], ports: () => [18_080], sharesMachine: false });
  const onMachine = ownAddressCheck({ addresses: [], ports: () => [18_080], sharesMachine: true });
  for (const { address } of pod) {
    assert.deepEqual(
      [18_080, 15_000].map((port) => inPod(toAddress(address, port))),
      [true, true],
      address,
    );
    assert.deepEqual(
      [18_080, 15_000].map((port) => onMachine(toAddress(address, port))),
      [true, false],
      address,
    );
  }
  assert.equal(inPod(toAddress("192.0.2.1", 18_080)), false);
});
