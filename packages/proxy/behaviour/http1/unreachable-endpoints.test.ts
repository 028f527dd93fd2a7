import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { constants } from "node:os";
import { type TestContext, test } from "node:test";
import { until } from "@fenceline/api/testing";
import { classifyFailure, classifyNoConnection } from "../../src/calls/failure.ts";
import { classifyNoSession } from "../../src/http2/failure.ts";
import { type Address, toAddress } from "../../src/resolve/resolver.ts";
import { call, openSocket, readUntil, refusalOf } from "../../src/testing/client.ts";
import { clientHello, inRecords, serverName } from "../../src/testing/client-hello.ts";
import { callHttp2, openSession, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy, staticResolver } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream, startUpstream, unusedPort } from "../../src/testing/upstream.ts";
import { openUpgrade, startEchoServer } from "../../src/testing/web-socket.ts";

/**
 * Endpoints to which no connection is even begun. Each fails with another error, and none of them
 * is one that anybody would list.
 */
const UNREACHABLE: Readonly<Record<string, Address>> = {
  "a port that TCP does not have, for which Node throws at once": toAddress("127.0.0.1", 70_000),
  "a broadcast address": toAddress("127.255.255.255", 80),
};

/** Makes two calls, so that one of them tries the first endpoint first. */
type TwoCalls = (t: TestContext, port: number) => Promise<void>;

async function twice(one: () => Promise<void>): Promise<void> {
  await one();
  await one();
}

const PROTOCOLS: Readonly<Record<string, { start: (t: TestContext) => Promise<{ port: number }>; calls: TwoCalls }>> = {
  "HTTP/1.1": {
    start: (t) => startUpstream(t, (request, response) => void request.toArray().then(() => response.end("ok"))),
    calls: (_t, port) => twice(async () => assert.equal((await call(port, { method: "POST", body: "x" })).status, 200)),
  },
  "HTTP/2": {
    start: (t) => startHttp2Upstream(t, (stream) => stream.respond({ ":status": 200 }, { endStream: true })),
    calls: async (t, port) => {
      const session = openSession(t, port);
      await twice(async () => assert.equal((await callHttp2(session, { ":method": "POST" }, "x")).status, 200));
    },
  },
  "an upgrade": {
    start: startEchoServer,
    calls: (_t, port) =>
      twice(async () => {
        const { socket, answer } = await openUpgrade(port);
        assert.match(answer, /^HTTP\/1\.1 101 /);
        socket.destroy();
      }),
  },
  TLS: {
    start: (t) => startRawUpstream(t, (socket) => socket.once("data", () => socket.write("through"))),
    calls: (_t, port) =>
      twice(async () => {
        const socket = await openSocket(port);
        const hello = inRecords(clientHello([serverName(SERVICE)]));
        // Its random, behind the headers of record and message and the version: the same hello
        // twice at a time would be a loop.
        randomBytes(32).copy(hello, 11);
        socket.write(hello);
        assert.equal(await readUntil(socket, "through"), "through");
        socket.destroy();
      }),
  },
};

for (const [protocol, { start, calls }] of Object.entries(PROTOCOLS)) {
  for (const [what, unreachable] of Object.entries(UNREACHABLE)) {
    test(`T-44 ${protocol}: behind ${what} the next endpoint is tried, whatever the method`, async (t) => {
      const { port } = await start(t);
      const addresses = [unreachable, toAddress("127.0.0.1", port)];
      const proxy = await startProxy(t, {}, { resolver: { resolve: () => addresses } });

      await calls(t, proxy.port);

      assert.equal(await proxy.metric("fenceline_proxy_upstream_connect_failures_total"), 1);
    });
  }
}

test("T-44 HTTP/2: behind an endpoint that resets each connection before it says anything the next one is tried, whatever the method", async (t) => {
  const resetting = await startRawUpstream(t, (socket) => socket.resetAndDestroy());
  const { port } = await startHttp2Upstream(t, (stream) => stream.respond({ ":status": 200 }, { endStream: true }));
  const addresses = [resetting.port, port].map((each) => toAddress("127.0.0.1", each));
  const proxy = await startProxy(t, {}, { resolver: { resolve: () => addresses } });
  const session = openSession(t, proxy.port);

  for (let i = 0; i < 2; i += 1) assert.equal((await callHttp2(session, { ":method": "POST" }, "x")).status, 200);

  assert.equal(await proxy.metric("fenceline_proxy_upstream_connect_failures_total"), 1);
});

for (const [what, unreachable] of Object.entries(UNREACHABLE)) {
  test(`T-44 ${what} alone is a 502 CONNECT_FAILED`, async (t) => {
    const proxy = await startProxy(t, {}, { resolver: { resolve: () => [unreachable] } });

    const answer = await call(proxy.port);
    assert.deepEqual([answer.status, refusalOf(answer).code], [502, "CONNECT_FAILED"]);
    assert.equal((await callHttp2(openSession(t, proxy.port))).headers["fenceline-error"], "CONNECT_FAILED");
  });
}

const FAILURES = "fenceline_proxy_upstream_connect_failures_total";

test("T-44 a destination that listens again soon gets the call, whatever the method", async (t) => {
  const port = await unusedPort();
  const proxy = await startProxy(t, {}, { resolver: { resolve: () => [toAddress("127.0.0.1", port)] } });
  const answer = call(proxy.port, { method: "POST", body: "x" });
  await until(async () => (await proxy.metric(FAILURES)) >= 1);
  const server = createServer((request, response) => void request.toArray().then((body) => response.end(Buffer.concat(body))));
  server.listen(port, "127.0.0.1");
  t.after(() => server.close());
  const { status, body } = await answer;
  assert.deepEqual([status, String(body)], [200, "x"]);
});

test("T-44 a destination that stays away is tried three times, and a caller that left no more", async (t) => {
  const proxy = await startProxy(t, {}, { resolver: staticResolver({ [SERVICE]: [await unusedPort()] }) });
  assert.equal((await call(proxy.port)).status, 502);
  assert.equal(await proxy.metric(FAILURES), 3);

  const socket = await openSocket(proxy.port);
  socket.write(`GET / HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`);
  await until(async () => (await proxy.metric(FAILURES)) === 4);
  socket.resetAndDestroy();
  await proxy.until("fenceline_proxy_requests_in_flight", 0);
  assert.equal((await call(proxy.port)).status, 502);
  assert.equal(await proxy.metric(FAILURES), 7);
});

test("T-44 whatever errno a connect fails with, it is CONNECT_FAILED, and nothing was sent", () => {
  for (const code of Object.keys(constants.errno)) {
    const error = Object.assign(new Error(`connect ${code}`), { code, syscall: "connect" });
    for (const { refusal, unsent } of [classifyNoConnection(error), classifyNoSession(error)]) {
      assert.deepEqual([code, refusal.code, unsent], [code, "CONNECT_FAILED", true]);
    }
  }
});

test("T-44 a connection that was accepted and broke before HTTP/2 had begun on it carried nothing either, whatever the errno", () => {
  for (const code of Object.keys(constants.errno)) {
    const { refusal, unsent } = classifyNoSession(Object.assign(new Error(`read ${code}`), { code, syscall: "read" }));
    assert.deepEqual([code, refusal.code, unsent], [code, "UPSTREAM_RESET", true]);
  }
});

test("T-44 on a connection that was made, an error of the system is a broken connection and never unsent", () => {
  for (const code of Object.keys(constants.errno)) {
    const { refusal, unsent, broken } = classifyFailure(Object.assign(new Error(`read ${code}`), { code, syscall: "read" }));
    assert.deepEqual([code, refusal.code, unsent, broken], [code, "UPSTREAM_RESET", false, true]);
  }
});
