import assert from "node:assert/strict";
import { test } from "node:test";
import { createAddressCheck } from "../../src/destination/address-policy.ts";
import { toAddress } from "../../src/resolve/resolver.ts";
import { call, refusalOf } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const NEVER = [
  "127.0.0.1",
  "127.8.8.8",
  "0.0.0.0",
  "169.254.169.254",
  "169.254.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "::1",
  "::",
  "::127.0.0.1",
  "::ffff:127.0.0.1",
  "::ffff:10.0.0.1",
  "::ffff:a9fe:a9fe",
  "64:ff9b::7f00:1",
  "fe80::1",
  "ff02::1",
  "fd00:ec2::254",
  "details.bookinfo",
];

for (const address of NEVER) {
  test(`E1-06 ${address} is refused as an endpoint`, () => {
    const check = createAddressCheck(false, () => false);
    assert.equal(check(toAddress(address, 80))?.code, "ADDRESS_REFUSED");
  });
}

test("E1-06 addresses of services are allowed", () => {
  const check = createAddressCheck(false, () => false);
  for (const address of ["10.96.0.1", "172.16.0.9", "192.168.1.1", "100.64.0.1", "fd00::1", "2001:db8::1", "8.8.8.8"]) {
    assert.equal(check(toAddress(address, 80)), undefined, address);
  }
});

test("E1-06 loopback is allowed by its own switch, and nothing else with it", () => {
  const check = createAddressCheck(true, () => false);
  for (const address of ["127.0.0.1", "127.0.0.2", "::1"]) assert.equal(check(toAddress(address, 80)), undefined, address);
  for (const address of ["::ffff:127.0.0.1", "0.0.0.0", "::", "169.254.169.254"]) {
    assert.equal(check(toAddress(address, 80))?.code, "ADDRESS_REFUSED", address);
  }
});

test("E1-06 a name that resolves to loopback gets 421 and nothing is dialled", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("secret"));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { allowLoopback: false });

  const answer = await call(proxy.port);

  assert.equal(answer.status, 421);
  assert.equal(refusalOf(answer).code, "ADDRESS_REFUSED");
  assert.equal(upstream.connections(), 0);
  assert.equal(await proxy.metric("fenceline_proxy_requests_in_flight"), 0);
  assert.deepEqual(proxy.reported.edges, []);
});

test("E1-06 B2.1-11 an original destination that is no service opens no way to it", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("secret"));
  const proxy = await startProxy(t, {});

  for (const host of ["www.example.com", "none.bookinfo", "127.0.0.1"]) {
    const answer = await call(proxy.port, { host, headers: { "slime-orig-dest": `127.0.0.1:${upstream.port}` } });
    assert.ok([421, 503].includes(answer.status));
  }
  assert.equal(upstream.connections(), 0);
});

test("E1-07 the proxy's own names get 421 in every spelling", async (t) => {
  const proxy = await startProxy(t, {}, { ownNames: ["global-sidecar.fenceline.svc.cluster.local"] });

  for (const [host, source] of [
    ["global-sidecar.fenceline.svc.cluster.local", "bookinfo/a"],
    ["Global-Sidecar.fenceline.svc.", "bookinfo/a"],
    ["global-sidecar.fenceline:8080", "bookinfo/a"],
    ["global-sidecar", "fenceline/a"],
  ] as const) {
    const answer = await call(proxy.port, { host, source });
    assert.equal(answer.status, 421, host);
    assert.equal(refusalOf(answer).code, "DESTINATION_IS_SELF");
  }
});

test("E1-07 an endpoint that is the proxy itself gets 421", async (t) => {
  const ports: number[] = [];
  const proxy = await startProxy(
    t,
    {},
    {
      resolver: { resolve: ({ host }) => [toAddress(host.startsWith("cluster-ip") ? "10.96.0.9" : "127.0.0.1", ports[0] ?? 0)] },
      ownAddresses: ["10.96.0.9"],
    },
  );
  ports.push(proxy.port);

  for (const host of [SERVICE, "cluster-ip.bookinfo"]) {
    assert.equal(refusalOf(await call(proxy.port, { host })).code, "DESTINATION_IS_SELF");
  }
});
