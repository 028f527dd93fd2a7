import assert from "node:assert/strict";
import { test } from "node:test";
import { openSocket, readToEnd, sendRaw } from "../../src/testing/client.ts";
import { SERVICE, SOURCE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";
import { upgradeRequest } from "../../src/testing/web-socket.ts";

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const GET = `GET / HTTP/1.1\r\nHost: ${SERVICE}\r\nfence-source: ${SOURCE}\r\nConnection: close\r\n\r\n`;

for (const [what, answer, cause] of [
  ["in the first chunk's size", `${CHUNKED}zz\r\n`, "size"],
  ["behind two good chunks", `${CHUNKED}2\r\nok\r\n2\r\nok\r\nzz\r\n`, "size"],
  ["in the trailers", `${CHUNKED}2\r\nok\r\n0\r\nX A: 1\r\n\r\n`, "token"],
  ["in a chunk's end", `${CHUNKED}2\r\nokay\r\n`, "longer than its size"],
] as const) {
  for (const [kind, request] of Object.entries({ "a request": GET, "an upgrade": upgradeRequest() })) {
    test(`T-41 a fault ${what} that comes with the header is a 502 for ${kind}, logged with destination and reason`, async (t) => {
      const upstream = await startRawUpstream(t, (socket) => {
        socket.on("data", () => socket.write(answer));
      });
      const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

      assert.match(await sendRaw(proxy.port, request), /^HTTP\/1\.1 502 .*UPSTREAM_INVALID/s);

      assert.equal(proxy.log.length, 1);
      const { code, authority, source, endpoint } = proxy.log[0] ?? {};
      assert.deepEqual([code, authority, source, endpoint], ["UPSTREAM_INVALID", SERVICE, SOURCE, `http://127.0.0.1:${upstream.port}`]);
      assert.match(String(proxy.log[0]?.cause), new RegExp(cause));
      assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="2xx"}'), 0);
      assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="UPSTREAM_INVALID"}'), 1);
    });
  }
}

for (const [what, rest, cause] of [
  ["a malformed chunk", "zz\r\n", /size/],
  ["the end of the connection", undefined, /closed/],
] as const) {
  for (const [kind, request] of Object.entries({ "a request": GET, "an upgrade": upgradeRequest() })) {
    test(`T-41 ${what} after the first byte breaks ${kind} off, with one line that names destination and reason`, async (t) => {
      const upstream = await startRawUpstream(t, (socket) => {
        socket.once("data", () => {
          socket.write(`${CHUNKED}4\r\nhalf\r\n`);
          relayed.then(() => (rest === undefined ? socket.end() : socket.write(rest)));
        });
      });
      const { promise: relayed, resolve: begun } = Promise.withResolvers<void>();
      const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
      const client = await openSocket(proxy.port);
      client.once("data", () => begun());

      client.write(request);
      assert.doesNotMatch(await readToEnd(client), /0\r\n\r\n$/);

      assert.equal(proxy.log.length, 1);
      const { level, code, authority, source, endpoint } = proxy.log[0] ?? {};
      assert.deepEqual([level, code, authority, source], [40, "UPSTREAM_BROKE_OFF", SERVICE, SOURCE]);
      assert.equal(endpoint, `http://127.0.0.1:${upstream.port}`);
      assert.match(String(proxy.log[0]?.cause), cause);
      assert.equal(await proxy.metric("fenceline_proxy_upstream_broken_answers_total"), 1);
    });
  }
}

test("T-41 many small chunks in one read are relayed whole", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.on("data", () => socket.write(`${CHUNKED}${"1 \r\nx\r\n".repeat(3_000)}000\r\n\r\n`));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await sendRaw(proxy.port, GET);

  assert.equal(answer.slice(answer.indexOf("\r\n\r\n")).match(/x/g)?.length, 3_000);
  assert.ok(answer.endsWith("0\r\n\r\n"));
});
