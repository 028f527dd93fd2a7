import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { call } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream, startUpstream, unusedPort } from "../../src/testing/upstream.ts";

/**
 * Answers the first request of each connection and breaks the connection under the second, as a
 * server does whose idle timeout is up.
 */
async function startForgetful(t: TestContext, secondToo = false) {
  const requests: string[] = [];
  const upstream = await startRawUpstream(t, (socket: Socket) => {
    let onThis = 0;
    socket.on("data", (chunk) => {
      requests.push(chunk.toString("latin1").split(" ", 1)[0] ?? "");
      onThis += 1;
      if (onThis > 1 || (secondToo && requests.length > 1)) socket.destroy();
      else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  return { upstream, requests };
}

test("E1-17 an idempotent request on a kept-alive connection that turns out closed is sent again, once", async (t) => {
  const { upstream, requests } = await startForgetful(t);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  assert.equal((await call(proxy.port)).status, 200);
  assert.equal((await call(proxy.port)).status, 200);

  assert.equal(requests.length, 3);
  assert.equal(upstream.connections(), 2);
});

test("E1-17 when the second try breaks too, the answer is 502", async (t) => {
  const { upstream, requests } = await startForgetful(t, true);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  await call(proxy.port);
  assert.equal((await call(proxy.port)).status, 502);

  assert.equal(requests.length, 3);
});

for (const { method, body } of [{ method: "POST" }, { method: "POST", body: "x" }, { method: "PUT", body: "x" }, { method: "PATCH" }]) {
  test(`E1-17 ${method} ${body === undefined ? "without" : "with"} a body is never sent twice`, async (t) => {
    const { upstream, requests } = await startForgetful(t);
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    await call(proxy.port);
    const answer = await call(proxy.port, body === undefined ? { method } : { method, body });

    assert.equal(answer.status, 502);
    assert.equal(requests.filter((seen) => seen === method).length, 1);
  });
}

test("E1-17 a fresh connection that breaks is no stale one: nothing is sent again", async (t) => {
  let requests = 0;
  const upstream = await startRawUpstream(t, (socket) => {
    socket.on("data", () => {
      requests += 1;
      socket.destroy();
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  assert.equal((await call(proxy.port)).status, 502);
  assert.equal(requests, 1);
});

test("E1-17 an endpoint that refuses the connection is passed over, even with a body", async (t) => {
  const upstream = await startUpstream(t, async (request, response) => {
    response.end(Buffer.concat(await request.toArray()));
  });
  const proxy = await startProxy(t, { [SERVICE]: [await unusedPort(), upstream.port] });

  for (let i = 0; i < 4; i += 1) {
    const answer = await call(proxy.port, { method: "POST", body: `body ${i}` });
    assert.equal(answer.body.toString(), `body ${i}`);
  }
  const failures = await proxy.metric("fenceline_proxy_upstream_connect_failures_total");
  assert.ok(failures >= 1 && failures < 4, `${failures} failures: requests take turns among the endpoints`);
});
