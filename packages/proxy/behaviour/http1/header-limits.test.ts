import assert from "node:assert/strict";
import { test } from "node:test";
import { call, refusalOf, sendRaw } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream, startUpstream } from "../../src/testing/upstream.ts";

test("E1-14 a header of 70000 bytes gets 431", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await sendRaw(proxy.port, `GET / HTTP/1.1\r\nHost: ${SERVICE}\r\nX-Big: ${"x".repeat(70_000)}\r\n\r\n`);

  assert.match(answer, /^HTTP\/1\.1 431 /);
  assert.match(answer, /fenceline-error: HEADER_TOO_LARGE\r\n/);
});

test("E1-14 a header of 60000 bytes, which Envoy lets through, is forwarded", async (t) => {
  const bytes: number[] = [];
  const upstream = await startRawUpstream(t, (socket) => {
    let received = 0;
    socket.on("data", (chunk) => {
      received += chunk.length;
      if (!chunk.includes("\r\n\r\n")) return;
      bytes.push(received);
      socket.end("HTTP/1.1 204 No Content\r\n\r\n");
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await call(proxy.port, { headers: { "x-big": "x".repeat(60_000) } });

  assert.equal(answer.status, 204);
  assert.ok(Number(bytes[0]) > 60_000);
});

test("E1-14 more than 1000 fields get 431, not a header with fields missing", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await sendRaw(proxy.port, `GET / HTTP/1.1\r\nHost: ${SERVICE}\r\nConnection: close\r\n${"A: b\r\n".repeat(1_000)}\r\n`);

  assert.match(answer, /^HTTP\/1\.1 431 /);
  assert.equal(upstream.connections(), 0);
});

test("E1-15 B2.1-14 a header that does not arrive in time gets 408", async (t) => {
  const proxy = await startProxy(t, {}, { listener: { headersTimeout: 50 } });

  const answer = await sendRaw(proxy.port, "GET / HTTP/1.1\r\nHost:");

  assert.match(answer, /^HTTP\/1\.1 408 /);
  assert.match(answer, /fenceline-error: REQUEST_TIMED_OUT\r\n/);
});

test("a refusal is one line of JSON with its code in a header", async (t) => {
  const proxy = await startProxy(t, {});

  const answer = await call(proxy.port);

  assert.equal(answer.status, 503);
  assert.equal(answer.headers["content-type"], "application/json");
  assert.equal(answer.headers["fenceline-error"], "NO_SUCH_SERVICE");
  assert.deepEqual(refusalOf(answer), { code: "NO_SUCH_SERVICE", message: "no such service" });
  assert.equal(answer.body.toString().indexOf("\n"), answer.body.length - 1);
});
