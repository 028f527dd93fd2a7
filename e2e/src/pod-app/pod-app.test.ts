import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { until } from "../lab/until.ts";
import { httpCall, tcpCall } from "./call.ts";
import { httpEcho } from "./http-echo.ts";
import { Load } from "./load.ts";
import { LongLivedConnection } from "./long-lived-connection.ts";
import type { Echo } from "./protocol.ts";
import { tcpEcho } from "./tcp-echo.ts";
import { LongLivedWebSocket } from "./web-socket/long-lived-web-socket.ts";

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test("the echo names the pod, counts the body, and takes the peer from the last certificate only", async (t) => {
  const port = await listen(t, httpEcho("test1/b"));
  const headers = {
    "x-forwarded-client-cert":
      'By=spiffe://c/ns/f/sa/g;URI=spiffe://c/ns/x/sa/forged,By=spiffe://c/ns/t/sa/b;Subject="";URI=spiffe://c/ns/t/sa/a',
  };
  const { status, body } = await httpCall({ url: `http://127.0.0.1:${port}/p?status=201`, method: "POST", bodyBytes: 5, headers });
  const { pod, method, path, received, peer } = body as Echo;
  assert.deepEqual([status, pod, method, path, received, peer], [201, "test1/b", "POST", "/p?status=201", 5, "spiffe://c/ns/t/sa/a"]);
});

test("a body goes with its length, or in chunks; an answer to HEAD has its headers only", async (t) => {
  const url = `http://127.0.0.1:${await listen(t, httpEcho("test1/b"))}/`;
  const framing = async (chunked: boolean) => {
    const { headers, received } = (await httpCall({ url, method: "PUT", bodyBytes: 70_000, chunked })).body as Echo;
    return [headers["content-length"], headers["transfer-encoding"], received];
  };
  assert.deepEqual(await framing(false), ["70000", undefined, 70_000]);
  assert.deepEqual(await framing(true), [undefined, "chunked", 70_000]);
  const { headers, body } = await httpCall({ url, method: "HEAD" });
  assert.deepEqual([headers["x-pod"], body], ["test1/b", ""]);
});

test("TCP: whoever speaks first, one line comes back; nobody there is an error", async (t) => {
  const echo = await listen(t, tcpEcho());
  const greet = await listen(t, tcpEcho("hello from test1/b"));
  assert.equal(await tcpCall({ host: "127.0.0.1", port: echo, send: "ping" }), "ping");
  assert.equal(await tcpCall({ host: "127.0.0.1", port: greet }), "hello from test1/b");
  await assert.rejects(tcpCall({ host: "127.0.0.1", port: echo, timeout: 20 }), /no line within 20 ms/);
  await assert.rejects(tcpCall({ host: "127.0.0.1", port: echo, send: "ping", expect: "pong" }), /'ping' in place of 'pong'/);
});

test("a load counts every request once: answered, failed with its reason, or skipped", async (t) => {
  const port = await listen(t, httpEcho("test1/b"));
  const good = new Load({ url: `http://127.0.0.1:${port}/` });
  await until("20 answers", () => good.report().succeeded >= 20);
  const report = await good.stop();
  assert.equal(report.succeeded, report.sent);
  assert.deepEqual([report.failed, report.peers.map(({ count }) => count)], [0, [report.sent]]);
  const bad = new Load({ url: `http://127.0.0.1:${port}/?status=503` });
  await until("a failure", () => bad.report().failed > 0);
  assert.match((await bad.stop()).failures[0]?.reason ?? "", /^503 /);
  const slow = new Load({ url: `http://127.0.0.1:${port}/?delay=100` });
  await until("32 in flight", () => slow.report().skipped > 0);
  assert.ok((await slow.stop()).succeeded >= 32);
});

test("a load of TCP exchanges counts those that bring the wrong line as failed", async (t) => {
  const port = await listen(t, tcpEcho());
  const call = { host: "127.0.0.1", port, send: "ping", interval: 2 };
  const [good, bad] = [new Load({ ...call, expect: "ping" }), new Load({ ...call, expect: "pong" })];
  await until("five of each", () => good.report().succeeded >= 5 && bad.report().failed >= 5);
  assert.deepEqual([(await good.stop()).failed, (await bad.stop()).succeeded], [0, 0]);
});

test("a long-lived connection takes one exchange after another, and says so when it has ended", async (t) => {
  const server = tcpEcho();
  const sockets: Socket[] = [];
  server.on("connection", (socket) => sockets.push(socket));
  const connection = await LongLivedConnection.open("127.0.0.1", await listen(t, server));
  t.after(() => connection.close());
  assert.deepEqual([await connection.exchange("one"), await connection.exchange("two")], ["one", "two"]);
  for (const socket of sockets) socket.destroy();
  await assert.rejects(connection.exchange("three"), /ended/);
  await assert.rejects(connection.exchange("four"), /has ended/);
});

test("trailers travel both ways, 103 and 100 are told, and an announced body that is not wanted is not sent", async (t) => {
  const url = `http://127.0.0.1:${await listen(t, httpEcho("test1/b"))}/`;
  const both = await httpCall({ url: `${url}?hints=1&trailers=1`, method: "POST", bodyBytes: 5, trailers: { "x-sum": "5" } });
  assert.deepEqual(
    [both.interim, both.trailers, (both.body as Echo).trailers],
    [[103], { "x-checksum": "behind the body" }, { "x-sum": "5" }],
  );
  const wanted = await httpCall({ url, method: "PUT", bodyBytes: 5, expectContinue: true });
  assert.deepEqual([wanted.status, wanted.interim, (wanted.body as Echo).received], [200, [100], 5]);
  const unwanted = await httpCall({ url: `${url}?unwanted=1`, method: "PUT", bodyBytes: 5, expectContinue: true });
  assert.deepEqual([unwanted.status, unwanted.interim], [417, []]);
});

test("a WebSocket is kept between messages of any length, and ends clean", async (t) => {
  const url = `ws://127.0.0.1:${await listen(t, httpEcho("test1/b"))}/`;
  const socket = await LongLivedWebSocket.open(url);
  for (const length of [1, 125, 126, 70_000]) assert.equal(await socket.exchange("x".repeat(length)), ` ${"x".repeat(length)}`);
  assert.deepEqual(await socket.close(), { code: 1_000, wasClean: true });
  await assert.rejects(LongLivedWebSocket.open(url.replace("ws://127.0.0.1", "ws://127.0.0.2")));
});
