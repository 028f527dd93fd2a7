import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { type ConnectionOptions, createServer as createTlsServer, connect as tlsConnect } from "node:tls";
import { until } from "@fenceline/api/testing";
import { CERTIFICATE, KEY } from "../../src/testing/certificate.ts";
import { openSocket, readToEnd, readUntil } from "../../src/testing/client.ts";
import { clientHello, inRecords, serverName } from "../../src/testing/client-hello.ts";
import { type ProxyUnderTest, SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { listen, startRawUpstream, type Upstream, unusedPort } from "../../src/testing/upstream.ts";

async function startTlsProxy(
  t: TestContext,
  ports: readonly number[],
  options: Parameters<typeof startProxy>[2] = {},
): Promise<{ proxy: ProxyUnderTest; port: number }> {
  const proxy = await startProxy(t, { [SERVICE]: ports }, options);
  return { proxy, port: proxy.port };
}

/** A TLS server that sends everything back. */
function startTlsEcho(t: TestContext): Promise<Upstream> {
  const server = createTlsServer({ cert: CERTIFICATE, key: KEY }, (socket) => {
    t.after(() => socket.destroy());
    socket.on("error", () => {}).pipe(socket);
  });
  return listen(t, server);
}

async function tlsClient(t: TestContext, port: number, options: ConnectionOptions = {}) {
  const socket = tlsConnect({ port, host: "127.0.0.1", servername: SERVICE, ca: CERTIFICATE, ...options });
  t.after(() => socket.destroy());
  await once(socket, "secureConnect");
  // The end of the test cuts what is open.
  socket.on("error", () => {});
  return socket;
}

/** The code of the error that a TLS client gets. */
async function handshakeError(port: number, servername: string): Promise<string> {
  const socket = tlsConnect({ port, host: "127.0.0.1", servername, rejectUnauthorized: false });
  const [error] = await once(socket, "error");
  return error.code;
}

test("a TLS client sees the destination's own certificate, and 1 MiB comes back", async (t) => {
  const upstream = await startTlsEcho(t);
  const { proxy, port } = await startTlsProxy(t, [upstream.port]);
  const payload = Buffer.alloc(1024 * 1024, "payload ");

  const client = await tlsClient(t, port);
  const { subject } = client.getPeerCertificate();
  client.end(payload);
  const echoed = Buffer.concat(await client.toArray());

  assert.ok(client.authorized);
  assert.equal(subject.CN, SERVICE);
  assert.ok(echoed.equals(payload));
  await proxy.until("fenceline_proxy_requests_in_flight", 0);
  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="CONNECTED"}'), 1);
  assert.equal(await proxy.metric('fenceline_proxy_unreported_requests_total{reason="NO_SOURCE"}'), 1);
});

test("a ClientHello that comes byte by byte reaches the destination whole", async (t) => {
  const hello = inRecords(clientHello([serverName(SERVICE), { type: 51, content: Buffer.alloc(1_216) }]), 100);
  const upstream = await startRawUpstream(t, (socket) => {
    const received: Buffer[] = [];
    socket.on("data", (chunk) => {
      received.push(chunk);
      if (Buffer.concat(received).equals(hello)) socket.end("all there");
    });
  });
  const { port } = await startTlsProxy(t, [upstream.port]);
  const client = await openSocket(port);
  client.setNoDelay(true);

  for (const byte of hello) await new Promise((resolve) => client.write(Buffer.from([byte]), resolve));

  await readUntil(client, "all there");
  client.destroy();
});

test("a hello with a post-quantum key share passes", async (t) => {
  const upstream = await startTlsEcho(t);
  const { port } = await startTlsProxy(t, [upstream.port]);

  const client = await tlsClient(t, port, { ecdhCurve: "X25519MLKEM768:X25519" });

  assert.equal(client.getPeerCertificate().subject.CN, SERVICE);
});

test("a name that is no service gets the alert unrecognized_name", async (t) => {
  const { proxy, port } = await startTlsProxy(t, [await unusedPort()]);

  assert.equal(await handshakeError(port, "none.bookinfo.svc.cluster.local"), "ERR_SSL_TLSV1_UNRECOGNIZED_NAME");
  assert.equal(await handshakeError(port, "www.example.com"), "ERR_SSL_TLSV1_UNRECOGNIZED_NAME");
  assert.equal(await handshakeError(port, ""), "ERR_SSL_TLSV1_UNRECOGNIZED_NAME");
  for (const code of ["NO_SUCH_SERVICE", "HOST_NOT_SERVED", "HOST_MALFORMED"]) {
    assert.equal(await proxy.metric(`fenceline_proxy_requests_total{outcome="${code}"}`), 1, code);
  }
  assert.equal(proxy.log.length, 3);
});

test("an address that no service can have, and the proxy itself, get the alert unrecognized_name", async (t) => {
  const upstream = await startTlsEcho(t);
  const { proxy, port } = await startTlsProxy(t, [upstream.port], { allowLoopback: false, ownNames: [`own.${SERVICE}`] });

  assert.equal(await handshakeError(port, SERVICE), "ERR_SSL_TLSV1_UNRECOGNIZED_NAME");
  assert.equal(await handshakeError(port, `own.${SERVICE}`), "ERR_SSL_TLSV1_UNRECOGNIZED_NAME");
  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="ADDRESS_REFUSED"}'), 1);
  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="DESTINATION_IS_SELF"}'), 1);
  assert.equal(upstream.connections(), 0);
});

test("a destination that cannot be connected gets its caller the alert internal_error, after the next endpoint was tried", async (t) => {
  const { proxy, port } = await startTlsProxy(t, [await unusedPort(), await unusedPort()]);

  assert.equal(await handshakeError(port, SERVICE), "ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR");
  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="CONNECT_FAILED"}'), 1);
  assert.equal(await proxy.metric("fenceline_proxy_upstream_connect_failures_total"), 3);
});

test("what is no ClientHello gets the alert decode_error, and the connection is closed", async (t) => {
  const { proxy, port } = await startTlsProxy(t, []);
  const client = await openSocket(port);

  client.write(Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0]));

  assert.equal(await readToEnd(client), "\x15\x03\x03\x00\x02\x02\x32");
  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="REQUEST_MALFORMED"}'), 1);
  assert.equal(await proxy.metric("fenceline_proxy_requests_in_flight"), 0);
});

test("E1-15 a ClientHello that does not arrive in time closes the connection", async (t) => {
  const { proxy, port } = await startTlsProxy(t, [], { listener: { headersTimeout: 100 } });
  const client = await openSocket(port);
  const dripping = setInterval(() => client.write(Buffer.from([22])), 20);
  t.after(() => clearInterval(dripping));

  client.write(inRecords(clientHello([serverName(SERVICE)])).subarray(0, 20));
  await readToEnd(client);

  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="REQUEST_TIMED_OUT"}'), 1);
});

test("a client that leaves before its hello is whole is no call", async (t) => {
  const { proxy, port } = await startTlsProxy(t, []);
  const open = (count: number) => async () => (await proxy.metric("fenceline_proxy_connections")) === count;
  const client = await openSocket(port);
  client.write(Buffer.from([22, 3]));
  await until(open(1));

  client.destroy();
  await until(open(0));

  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="CLIENT_GONE"}'), 0);
  assert.equal(await proxy.metric("fenceline_proxy_requests_in_flight"), 0);
});

test("the port that TLS goes to is the one configured", async (t) => {
  const ports: number[] = [];
  const resolver = {
    resolve: ({ port }: { port: number }) => {
      ports.push(port);
      return undefined;
    },
  };
  const standard = await startTlsProxy(t, [], { resolver });
  const other = await startTlsProxy(t, [], { resolver, tunnel: { tlsPort: 8443 } });

  await handshakeError(standard.port, SERVICE);
  await handshakeError(other.port, SERVICE);

  assert.deepEqual(ports, [443, 8443]);
});

test("E1-24 a TLS connection is cut at the deadline of a drain", async (t) => {
  const upstream = await startTlsEcho(t);
  const { proxy, port } = await startTlsProxy(t, [upstream.port]);
  const client = await tlsClient(t, port);
  const cut = once(client, "close").catch(() => {});

  await proxy.sidecar.close({ deadline: 50 });

  await cut;
});
