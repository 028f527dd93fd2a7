import assert from "node:assert/strict";
import { test } from "node:test";
import { call } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

for (const method of ["POST", "DELETE", "OPTIONS"]) {
  test(`E1-02 a chunked ${method} stays chunked and reaches the destination as one request`, async (t) => {
    const seen: unknown[] = [];
    const upstream = await startUpstream(t, async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString();
      seen.push({ method: request.method, url: request.url, coding: request.headers["transfer-encoding"], body });
      response.end("done");
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    const answer = await call(proxy.port, { method, path: "/up", headers: { "transfer-encoding": "chunked" }, body: smuggled });

    assert.equal(answer.body.toString(), "done");
    assert.deepEqual(seen, [{ method, url: "/up", coding: "chunked", body: smuggled }]);
  });
}

test("E1-02 an upload with Content-Length keeps it", async (t) => {
  const upstream = await startUpstream(t, async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    response.end(`${request.headers["content-length"]} ${request.headers["transfer-encoding"]} ${body.length}`);
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await call(proxy.port, { method: "PUT", headers: { "content-length": "100000" }, body: "x".repeat(100_000) });

  assert.equal(answer.body.toString(), "100000 undefined 100000");
});
