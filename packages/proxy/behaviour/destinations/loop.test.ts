import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { hopMark, nextHops } from "../../src/destination/hop.ts";
import { call, refusalOf } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

test("E1-07 a request that comes back on its way to the same destination gets 508", async (t) => {
  const ports: number[] = [];
  // The "service" sends everything back to the proxy, as a route of the mesh might.
  const mirror = await startUpstream(t, (incoming, response) => {
    request({ host: "127.0.0.1", port: ports[0], path: incoming.url, headers: incoming.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.rawHeaders);
      answer.pipe(response);
    }).end();
  });
  const proxy = await startProxy(t, { [SERVICE]: [mirror.port] });
  ports.push(proxy.port);

  const answer = await call(proxy.port);

  assert.equal(answer.status, 508);
  assert.equal(refusalOf(answer).code, "LOOP");
});

test("a service that copies all headers to its own calls makes no loop", async (t) => {
  const ports: number[] = [];
  const ratings = await startUpstream(t, (_incoming, response) => response.end("stars"));
  const reviews = await startUpstream(t, (incoming, response) => {
    request({ host: "127.0.0.1", port: ports[0], headers: { ...incoming.headers, host: "ratings.bookinfo" } }, (answer) => {
      answer.pipe(response);
    }).end();
  });
  const proxy = await startProxy(t, { [SERVICE]: [reviews.port], "ratings.bookinfo": [ratings.port] });
  ports.push(proxy.port);

  assert.equal((await call(proxy.port)).body.toString(), "stars");
});

test("the hop header cannot grow without end", () => {
  let hops: string | undefined;
  for (let i = 0; i < 10; i += 1) hops = nextHops(hops, hopMark("a", i + 1));
  assert.equal(hops?.split(",").length, 10);
  assert.equal(nextHops(hops, hopMark("b", 1)), undefined);
});
