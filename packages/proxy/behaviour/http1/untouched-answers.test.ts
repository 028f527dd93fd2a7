import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { call } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startAnsweringUpstream, startUpstream } from "../../src/testing/upstream.ts";

test("E1-21 B2.1-02 a redirect is relayed, not followed", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => {
    response.writeHead(302, { location: "http://elsewhere.example/x" }).end();
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await call(proxy.port);

  assert.equal(answer.status, 302);
  assert.equal(answer.headers.location, "http://elsewhere.example/x");
  assert.equal(upstream.connections(), 1);
});

test("E1-21 B2.1-13 an encoded body is relayed as it is, and no encoding is asked for", async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(String(request.headers["accept-encoding"])));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await call(proxy.port);

  assert.equal(answer.headers["content-encoding"], "gzip");
  assert.equal(gunzipSync(answer.body).toString(), "undefined");
});

test("E1-21 status, reason, case, order and duplicates are kept, and nothing is made up", async (t) => {
  const upstream = await startAnsweringUpstream(
    t,
    "HTTP/1.1 418 Short And Stout\r\nSet-Cookie: a=1\r\nX-Mixed: \u00e9\r\nset-cookie: b=2\r\nEmpty:\r\nContent-Length: 3\r\n\r\ntea",
  );
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await call(proxy.port);

  assert.equal(answer.status, 418);
  assert.equal(answer.reason, "Short And Stout");
  assert.deepEqual(answer.rawHeaders, [
    ...["Set-Cookie", "a=1", "X-Mixed", "\u00e9", "set-cookie", "b=2", "Empty", "", "Content-Length", "3"],
    ...["Connection", "close"],
  ]);
  assert.equal(answer.body.toString(), "tea");
});

test("an answer that ends with its connection is relayed in full", async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    response.removeHeader("transfer-encoding");
    request.socket.end("HTTP/1.1 200 OK\r\n\r\nuntil the end");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await call(proxy.port);

  assert.equal(answer.body.toString(), "until the end");
});
