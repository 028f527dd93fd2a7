import assert from "node:assert/strict";
import { test } from "node:test";
import { callHttp2, openSession, readHttp2, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startAnsweringUpstream, startUpstream, unusedPort } from "../../src/testing/upstream.ts";

test("a destination that does not speak HTTP/2 gets its caller a 502 that says so", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await callHttp2(openSession(t, proxy.port));

  assert.equal(answer.status, 502);
  assert.equal(answer.headers["fenceline-error"], "UPSTREAM_INVALID");
  assert.match(answer.body, /does not speak HTTP\/2/);
});

test("so does one that answers the preface like a request", async (t) => {
  const upstream = await startAnsweringUpstream(t, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  assert.equal((await callHttp2(openSession(t, proxy.port))).headers["fenceline-error"], "UPSTREAM_INVALID");
});

test("E1-16 a destination that refuses the connection gets its caller a 502, one that is nowhere to be found a 503", async (t) => {
  const proxy = await startProxy(t, { [SERVICE]: [await unusedPort()] });
  const session = openSession(t, proxy.port);

  assert.equal((await callHttp2(session)).headers["fenceline-error"], "CONNECT_FAILED");
  assert.equal((await callHttp2(session, { ":authority": "b.test1.svc.cluster.local" })).headers["fenceline-error"], "NO_SUCH_SERVICE");
});

test("E1-17 an endpoint that refuses the connection is passed over, with a body too", async (t) => {
  const upstream = await startHttp2Upstream(t, async (stream) => {
    stream.respond();
    stream.end(Buffer.concat(await stream.toArray()));
  });
  const proxy = await startProxy(t, { [SERVICE]: [await unusedPort(), upstream.port] });
  const session = openSession(t, proxy.port);

  for (let i = 0; i < 4; i += 1) assert.equal((await callHttp2(session, { ":method": "POST" }, `body ${i}`)).body, `body ${i}`);
});

for (const { name, fields, code } of [
  { name: "Host and :authority differ", fields: { host: "other.bookinfo.svc.cluster.local" }, code: "HOST_MALFORMED" },
  { name: "the authority is no host", fields: { ":authority": "a..b" }, code: "HOST_MALFORMED" },
  { name: "the method is TRACE", fields: { ":method": "TRACE" }, code: "METHOD_REFUSED" },
  { name: "the path is an URL", fields: { ":scheme": "ftp", ":path": "http://other/" }, code: "REQUEST_MALFORMED" },
  { name: "the host is an address that is no service", fields: { ":authority": "169.254.169.254" }, code: "NO_SUCH_SERVICE" },
]) {
  test(`E1-05 a request is refused by HTTP/2 when ${name}`, async (t) => {
    const proxy = await startProxy(t, { [SERVICE]: [await unusedPort()] });

    const answer = await callHttp2(openSession(t, proxy.port), fields);

    assert.equal(answer.headers["fenceline-error"], code);
    assert.equal(JSON.parse(answer.body).code, code);
  });
}

test("E1-11 CONNECT is refused", async (t) => {
  const proxy = await startProxy(t, {});
  const session = openSession(t, proxy.port);

  const answer = await readHttp2(session.request({ ":method": "CONNECT", ":authority": SERVICE }));

  assert.equal(answer.status, 405);
});

test("E1-05 Host alone, without :authority, is enough", async (t) => {
  const upstream = await startHttp2Upstream(t, (stream, headers) => {
    stream.respond();
    stream.end(headers[":authority"]);
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  assert.equal((await callHttp2(openSession(t, proxy.port), { ":authority": undefined, host: SERVICE })).body, SERVICE);
});
