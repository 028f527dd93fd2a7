import assert from "node:assert/strict";
import { test } from "node:test";
import { call } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startAnsweringUpstream } from "../../src/testing/upstream.ts";

test("E1-10 B2.1-08 trailers of an answer are forwarded, except those that may not be trailers", async (t) => {
  const upstream = await startAnsweringUpstream(
    t,
    "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 42\r\nSet-Cookie: a=1\r\n\r\n",
  );
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await call(proxy.port);

  assert.equal(answer.body.toString(), "abc");
  assert.equal(answer.headers.trailer, "X-Sum");
  assert.deepEqual({ ...answer.trailers }, { "x-sum": "42" });
});

test("E1-10 a Trailer field on an answer that has none does no harm", async (t) => {
  const upstream = await startAnsweringUpstream(t, "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nContent-Length: 3\r\n\r\nabc");
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await call(proxy.port);

  assert.equal(answer.status, 200);
  assert.equal(answer.body.toString(), "abc");
});
