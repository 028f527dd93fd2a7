import assert from "node:assert/strict";
import { test } from "node:test";
import { call } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startAnsweringUpstream, startUpstream } from "../../src/testing/upstream.ts";

test("E1-08 hop-by-hop fields, those that Connection names and Fenceline's own do not reach the destination", async (t) => {
  const upstream = await startUpstream(t, (request, response) => response.end(JSON.stringify(request.headers)));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await call(proxy.port, {
    headers: {
      connection: "keep-alive, X-Secret, http2-settings",
      "x-secret": "1",
      "keep-alive": "timeout=5",
      "proxy-connection": "keep-alive",
      "proxy-authorization": "Basic eA==",
      te: "gzip",
      "http2-settings": "AAMAAABk",
      "slime-orig-dest": "10.0.0.1:80",
      "slime-source-ns": "bookinfo",
      "fenceline-authority": "made-up",
      "x-kept": "2",
    },
  });

  const { "fenceline-hop": hop, ...headers } = JSON.parse(answer.body.toString());
  assert.match(hop, /^[0-9a-f]{8}$/);
  assert.deepEqual(headers, { host: SERVICE, "x-kept": "2" });
});

test("E1-08 Connection cannot take away fields that frame, route, authenticate or attribute a request", async (t) => {
  const upstream = await startUpstream(t, async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    response.end(JSON.stringify({ ...request.headers, body }));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await call(proxy.port, {
    method: "POST",
    body: "hello",
    headers: {
      connection: "host, content-length, authorization, x-forwarded-for, X-Forwarded-Client-Cert, fence-source",
      "content-length": "5",
      authorization: "Bearer t",
      "x-forwarded-for": "10.1.1.1",
      "x-forwarded-client-cert": "URI=spiffe://cluster.local/ns/bookinfo/sa/default",
    },
  });

  const { "fenceline-hop": _hop, connection: _connection, ...headers } = JSON.parse(answer.body.toString());
  assert.deepEqual(headers, {
    host: SERVICE,
    "content-length": "5",
    authorization: "Bearer t",
    "x-forwarded-for": "10.1.1.1",
    "x-forwarded-client-cert": "URI=spiffe://cluster.local/ns/bookinfo/sa/default",
    body: "hello",
  });
  assert.deepEqual(await proxy.reported.waitFor(1), [
    { source: { namespace: "bookinfo", name: "productpage" }, authority: SERVICE, responseCode: 0 },
  ]);
});

for (const [te, forwarded] of Object.entries({
  trailers: "trailers",
  "deflate;q=0.5, Trailers": "trailers",
  "trailers,gzip": "trailers",
  "x-trailers, gzip": "",
})) {
  test(`E1-08 of TE: ${te} the destination hears ${JSON.stringify(forwarded)}`, async (t) => {
    const upstream = await startUpstream(t, (request, response) => response.end(request.headers.te));
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const answer = await call(proxy.port, { headers: { te, connection: "TE" } });

    assert.equal(answer.body.toString(), forwarded);
  });
}

test("E1-08 B2.1-06 hop-by-hop fields of an answer stay on their hop", async (t) => {
  const upstream = await startAnsweringUpstream(
    t,
    "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=1\r\nX-Hop: 1\r\nProxy-Authenticate: Basic\r\nProxy-Authentication-Info: x\r\nX-Kept: 2\r\nContent-Length: 2\r\n\r\nok",
  );
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await call(proxy.port);

  assert.equal(answer.body.toString(), "ok");
  assert.deepEqual(answer.rawHeaders, ["X-Kept", "2", "Content-Length", "2", "Connection", "close"]);
});
