import assert from "node:assert/strict";
import { channel } from "node:diagnostics_channel";
import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { Counter, Registry as MetricsRegistry } from "prom-client";
import { loopbackGuard } from "./access/local-guards.ts";
import { type ProbeOptions, probeRoutes } from "./probes.ts";
import { serveHttpApi } from "./serve.ts";

async function start(t: TestContext, { metrics = () => [new MetricsRegistry()] }: Partial<ProbeOptions> = {}) {
  const api = await serveHttpApi({ host: "127.0.0.1", port: 0, routes: probeRoutes({ metrics }), guard: loopbackGuard() });
  t.after(() => api.close());
  return api.port;
}

/** Bytes, and all that is answered to them. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.setEncoding("latin1").end(bytes);
  let answer = "";
  for await (const piece of socket) answer += piece;
  return answer;
}

async function ask(port: number, path: string) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, body: await response.text() };
}

test("T-12 the host in an absolute target counts, a second Host is refused, and none is for HTTP/1.0 only", async (t) => {
  const port = await start(t);
  assert.match(
    await raw(port, "GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    /^HTTP\/1\.1 421 /,
  );
  assert.match(
    await raw(port, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
    /^HTTP\/1\.1 400 /,
  );
  assert.match(await raw(port, "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"), /^HTTP\/1\.1 400 .*HOST_MISSING/s);
  assert.match(await raw(port, "GET /healthz HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 200 /);
  assert.match(await raw(port, "SSH-2.0 nonsense\r\n\r\n"), /^HTTP\/1\.1 400 .*REQUEST_MALFORMED/s);
  assert.match(
    await raw(port, `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`),
    /^HTTP\/1\.1 431 .*HEADER_TOO_LARGE/s,
  );
});

test("T-12 parameters of scrapers and probes change nothing", async (t) => {
  const port = await start(t);
  const get = (target: string) => raw(port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  for (const target of ["/metrics?a=1&a=2", "/healthz?x", "/readyz?verbose"]) assert.match(await get(target), /^HTTP\/1\.1 200 /, target);
});

test("T-45 an expectation that nobody meets, and CONNECT, are answered as every other error is", async (t) => {
  const port = await start(t);
  const expecting = (value: string) =>
    raw(port, `GET /healthz HTTP/1.1\r\nHost: localhost\r\nExpect: ${value}\r\nConnection: close\r\n\r\n`);
  assert.match(await expecting("x"), /^HTTP\/1\.1 417 .*"code": "EXPECTATION_FAILED"/s);
  assert.match(await expecting("100-continue"), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
  const connecting = await raw(port, "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n");
  assert.match(connecting, /^HTTP\/1\.1 405 .*allow: GET, HEAD\r\n.*"code":"METHOD_NOT_ALLOWED"/s);
});

test("T-12 scrapes at the same time are made once", async (t) => {
  const registry = new MetricsRegistry();
  let made = 0;
  const gate = Promise.withResolvers<void>();
  new Counter({
    name: "made",
    help: "made",
    registers: [registry],
    async collect() {
      made += 1;
      await gate.promise;
    },
  });
  const port = await start(t, { metrics: () => [registry] });
  const asked = Array.from({ length: 20 }, () => ask(port, "/metrics"));
  for (let index = 0; index < 20; index += 1) await ask(port, "/healthz");
  gate.resolve();
  const bodies = await Promise.all(asked);
  assert.equal(made, 1);
  assert.ok(bodies.every(({ status, body }) => status === 200 && body.includes("made")));
});

test("T-10 of 200 connections of an address 128 stay, and others have theirs, the probes of that address too", async (t) => {
  const port = await start(t);
  const sockets = Array.from({ length: 200 }, () => connect({ port, host: "127.0.0.1" }));
  t.after(() => sockets.forEach((socket) => void socket.destroy()));
  let closed = 0;
  for (const socket of sockets)
    socket
      .on("error", () => {})
      .on("close", () => (closed += 1))
      .resume();
  while (closed < 72) await new Promise(setImmediate);
  for (const localAddress of ["127.0.0.9", "127.0.0.1"]) {
    const sent = request({ host: "127.0.0.1", port, path: "/healthz", localAddress, agent: false });
    sent.end();
    const [response] = await once(sent, "response");
    response.resume();
    assert.equal(response.statusCode, 200);
  }
});

test("T-45 a connection on which nothing came is closed without a word, and one with a part of a header is told", async (t) => {
  const port = await start(t);
  const heard = async (bytes: string) => {
    const socket = connect(port, "127.0.0.1").setEncoding("latin1");
    socket.write(bytes);
    return (await socket.toArray()).join("");
  };
  const [silent, begun] = await Promise.all([heard(""), heard("GET / HT")]);
  assert.equal(silent, "");
  assert.match(begun, /^HTTP\/1\.1 408 .*REQUEST_TIMED_OUT/s);
});

test("T-12 a body that nobody asked for is not read to its end: the answer closes the connection", async (t) => {
  const port = await start(t);
  for (const begin of ["Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", "Content-Length: 1000000\r\n\r\nx"]) {
    const socket = connect(port, "127.0.0.1").setEncoding("latin1");
    socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost\r\n${begin}`);
    const answer = (await socket.toArray()).join("");
    assert.match(answer, /^HTTP\/1\.1 200 .*\r\nconnection: close\r\n/is);
  }
});

test("T-12 requests sent ahead are parsed a few in a turn, those of all connections together", async (t) => {
  const port = await start(t);
  let inTurn = 0;
  let most = 0;
  const count = () => {
    if (inTurn === 0) setImmediate(() => (inTurn = 0));
    most = Math.max(most, ++inTurn);
  };
  channel("http.server.request.start").subscribe(count);
  t.after(() => channel("http.server.request.start").unsubscribe(count));
  const ahead = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1_000);
  const sockets = Array.from({ length: 20 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  for (const socket of sockets) socket.resume().write(ahead);
  await Promise.all(sockets.map((socket) => socket.closed || once(socket, "close")));
  assert.ok(most < 100, `${most} requests in a turn`);
});
