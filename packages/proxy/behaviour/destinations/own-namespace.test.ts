import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { connect as tlsConnect } from "node:tls";
import { createDnsResolver } from "../../src/resolve/dns-resolver.ts";
import { call, openSocket, readUntil, refusalOf } from "../../src/testing/client.ts";
import { startDnsServer } from "../../src/testing/dns-server.ts";
import { openSession } from "../../src/testing/http2.ts";
import { startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";
import { openUpgrade, upgradeRequest } from "../../src/testing/web-socket.ts";

/**
 * A proxy of the namespace `fenceline`, in a cluster whose DNS resolves every name that is asked
 * for to an upstream of the test.
 */
async function setUp(t: TestContext) {
  const dns = await startDnsServer(t);
  const upstream = await startUpstream(t, (_request, response) => response.end("the collector"));
  Object.assign(dns.records, { get: () => ["127.0.0.1"] });
  const options = { ownNamespace: "fenceline", externalHosts: "forward", resolver: createDnsResolver({ servers: [dns.address] }) } as const;
  const proxy = await startProxy(t, {}, { ...options, tunnel: { tlsPort: upstream.port } });
  return { dns, upstream, proxy, port: upstream.port };
}

const SPELLINGS: readonly (readonly [host: string, namespace: string])[] = [
  ["fenceline-collector.fenceline", "test1"],
  ["fenceline-collector.fenceline.", "test1"],
  ["fenceline-collector.fenceline.svc", "test1"],
  ["Fenceline-Collector.FENCELINE.Svc.Cluster.Local", "test1"],
  ["fenceline-collector.fenceline.svc.cluster.local.", "test1"],
  ["fenceline-collector", "fenceline"],
  ["global-sidecar.fenceline", "test1"],
  ["anything.fenceline", "test1"],
  ["pod-0.headless.fenceline.svc.cluster.local", "test1"],
  ["_grpc-als._tcp.fenceline-collector.fenceline.svc.cluster.local", "test1"],
  ["10-1-2-3.fenceline.pod.cluster.local", "test1"],
];

for (const [host, namespace] of SPELLINGS) {
  test(`T-01 ${host}, called from ${namespace}, is refused and never looked up`, async (t) => {
    const { dns, upstream, proxy, port } = await setUp(t);
    for (const authority of [host, `${host}:${port}`]) {
      const answer = await call(proxy.port, { host: authority, source: `${namespace}/a` });
      assert.deepEqual([answer.status, refusalOf(answer).code], [421, "DESTINATION_IS_SELF"], authority);
    }
    assert.deepEqual([upstream.connections(), dns.questions], [0, []]);
    assert.deepEqual(proxy.reported.edges, []);
  });
}

test("T-01 the absolute form of a target is what counts, not the Host beside it", async (t) => {
  const { upstream, proxy, port } = await setUp(t);
  const answer = await call(proxy.port, { host: "b.test1", path: `http://fenceline-collector.fenceline:${port}/api/v1/edges` });
  assert.equal(refusalOf(answer).code, "DESTINATION_IS_SELF");
  assert.equal(upstream.connections(), 0);
});

test("T-01 :authority of HTTP/2, the way of gRPC to the collector, is refused too", async (t) => {
  const { upstream, proxy, port } = await setUp(t);
  const session = openSession(t, proxy.port);
  const stream = session.request({
    ":method": "POST",
    ":path": "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs",
    ":authority": `fenceline-collector.fenceline:${port}`,
    "fence-source": "test1/a",
  });
  const [headers] = await once(stream, "response");
  assert.equal(headers["fenceline-error"], "DESTINATION_IS_SELF");
  stream.destroy();
  assert.equal(upstream.connections(), 0);
});

test("T-01 an upgrade to it is refused", async (t) => {
  const { upstream, proxy, port } = await setUp(t);
  const request = upgradeRequest().replace(/^Host: .*$/m, `Host: fenceline-collector.fenceline:${port}`);
  const { socket, answer } = await openUpgrade(proxy.port, request);
  socket.destroy();
  assert.match(answer, /fenceline-error: DESTINATION_IS_SELF/);
  assert.equal(upstream.connections(), 0);
});

test("T-01 a TLS connection for it is refused", async (t) => {
  const { upstream, proxy } = await setUp(t);
  for (const servername of ["fenceline-collector.fenceline", "Fenceline-Collector.Fenceline.svc.cluster.local"]) {
    const socket = tlsConnect({ port: proxy.port, host: "127.0.0.1", servername, rejectUnauthorized: false });
    const [error] = await once(socket, "error");
    assert.equal(error.code, "ERR_SSL_TLSV1_UNRECOGNIZED_NAME", servername);
  }
  assert.equal(upstream.connections(), 0);
});

test("T-01 a namespace that only looks like it is served", async (t) => {
  const { proxy, port } = await setUp(t);
  for (const host of ["b.fenceline2", "fenceline.test1", "b.not-fenceline.svc.cluster.local"]) {
    assert.equal((await call(proxy.port, { host: `${host}:${port}` })).body.toString(), "the collector", host);
  }
});

test("T-01 HTTP/1.0 without a port is refused alike", async (t) => {
  const { proxy } = await setUp(t);
  const socket = await openSocket(proxy.port);
  socket.write("GET / HTTP/1.0\r\nHost: fenceline-collector.fenceline\r\n\r\n");
  assert.match(await readUntil(socket, "}"), /DESTINATION_IS_SELF/);
  socket.destroy();
});
