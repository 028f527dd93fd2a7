import assert from "node:assert/strict";
import { test } from "node:test";
import { call } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startAnsweringUpstream, startRawUpstream } from "../../src/testing/upstream.ts";

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

for (const [what, trailer, relayed] of [
  ["folded (RFC 9112 §5.2)", "X-Sum: one\r\n \t two", { "x-sum": "one two" }],
  ["folded by LF", "X-Sum: one\n two", { "x-sum": "one two" }],
  ["a Content-Length", "X-Sum: 1\r\nContent-Length: 50", { "x-sum": "1" }],
  ["a Transfer-Encoding", "Transfer-Encoding: chunked\r\nX-Sum: 1", { "x-sum": "1" }],
  ["a Content-Length, folded", "Content-Length:\r\n 50\r\nX-Sum: 1", { "x-sum": "1" }],
] as const) {
  test(`T-41 T-48 an answer with a trailer that is ${what} is served, and its connection not used again`, async (t) => {
    const upstream = await startRawUpstream(t, (socket) => {
      socket.on("data", () => {
        socket.write(`HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n${trailer}\r\n\r\n`);
      });
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    for (const connections of [1, 2]) {
      const { status, body, trailers } = await call(proxy.port);
      assert.deepEqual([status, body.toString(), { ...trailers }], [200, "abc", relayed]);
      assert.equal(upstream.connections(), connections);
    }
  });
}

test("T-48 a trailer that is folded before its first line continues nothing: 502", async (t) => {
  const upstream = await startAnsweringUpstream(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n X-Sum: 1\r\n\r\n");
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  assert.equal((await call(proxy.port)).status, 502);
});
