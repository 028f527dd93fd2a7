import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { test } from "node:test";
import { call, open, openSocket, readToEnd, readUntil } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream, startUpstream } from "../../src/testing/upstream.ts";

test("B2.1-01 connections to a destination are used again", async (t) => {
  const upstream = await startUpstream(t, async (request, response) => {
    await request.toArray();
    response.end("ok");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  for (let i = 0; i < 20; i += 1) await call(proxy.port, i % 2 === 0 ? {} : { method: "POST", body: "x" });

  assert.equal(upstream.connections(), 1);
});

test("a client's connection serves request after request, refusals included", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);

  socket.write(`POST / HTTP/1.1\r\nHost: none.bookinfo\r\nContent-Length: 5\r\n\r\nhello`);
  assert.match(await readUntil(socket, "}\n"), /^HTTP\/1\.1 503 /);
  socket.write(`GET / HTTP/1.1\r\nHost: ${SERVICE}\r\nConnection: close\r\n\r\n`);
  assert.match(await readToEnd(socket), /^HTTP\/1\.1 200 /);
});

test("E1-18 pipelined requests are answered in order", async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    if (request.url === "/slow") setImmediate(() => setImmediate(() => response.end("slow")));
    else response.end("fast");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);

  const head = `HTTP/1.1\r\nHost: ${SERVICE}\r\n`;
  socket.write(`GET /slow ${head}\r\nGET /fast ${head}\r\nGET /slow ${head}Connection: close\r\n\r\n`);
  const answers = await readToEnd(socket);

  assert.deepEqual(answers.match(/slow|fast/g), ["slow", "fast", "slow"]);
});

test("E1-18 a pipelined request is forwarded when the one before it is answered, since either may change what the other sees", async (t) => {
  const seen: string[] = [];
  const arrivals = new EventEmitter();
  const upstream = await startUpstream(t, (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    arrivals.emit("request", response);
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);

  const head = `HTTP/1.1\r\nHost: ${SERVICE}\r\n`;
  const arrival = once(arrivals, "request");
  socket.write(`PUT /a ${head}Content-Length: 1\r\n\r\nxGET /a ${head}Connection: close\r\n\r\n`);
  const [put] = await arrival;
  await call(proxy.port, { host: "none.bookinfo" });
  assert.deepEqual(seen, ["PUT /a"]);
  const next = once(arrivals, "request");
  put.end();
  const [get] = await next;
  get.end("changed");

  assert.match(await readToEnd(socket), /changed$/);
  assert.deepEqual(seen, ["PUT /a", "GET /a"]);
});

test("E1-18 of a client that leaves with pipelined requests only the first was forwarded, and none stays in flight", async (t) => {
  const closed: Promise<unknown>[] = [];
  const arrivals = new EventEmitter();
  const upstream = await startRawUpstream(t, (socket) => {
    closed.push(once(socket, "close"));
    socket.on("data", () => arrivals.emit("request"));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);

  const arrival = once(arrivals, "request");
  socket.write(`GET / HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`.repeat(3));
  await arrival;
  socket.destroy();
  await Promise.all(closed);

  assert.equal(upstream.connections(), 1);
  assert.equal(await proxy.metric("fenceline_proxy_requests_in_flight"), 0);
  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="CLIENT_GONE"}'), 1);
});

test("E1-18 a client that leaves during its upload ends it at the destination as broken, not as complete", async (t) => {
  let begun = () => {};
  const beginning = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let outcome: (complete: boolean) => void = () => {};
  const ended = new Promise<boolean>((resolve) => {
    outcome = resolve;
  });
  const upstream = await startUpstream(t, (request) => {
    request.once("data", () => begun());
    request.on("close", () => outcome(request.complete)).on("error", () => {});
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const outgoing = open(proxy.port, { method: "POST" });
  outgoing.on("error", () => {});
  outgoing.write("half");
  await beginning;
  outgoing.destroy();

  assert.equal(await ended, false);
});

test("an answer that comes before the upload is complete is relayed, and the client's connection goes on", async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    if (request.method === "PUT") response.writeHead(413, { "content-length": "0" }).end();
    else response.end("ok");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);

  socket.write(`PUT / HTTP/1.1\r\nHost: ${SERVICE}\r\nContent-Length: 1000000\r\n\r\n${"x".repeat(500_000)}`);
  assert.match(await readUntil(socket, "\r\n\r\n"), /^HTTP\/1\.1 413 /);
  socket.write(`${"x".repeat(500_000)}GET / HTTP/1.1\r\nHost: ${SERVICE}\r\nConnection: close\r\n\r\n`);
  assert.match(await readToEnd(socket), /^HTTP\/1\.1 200 /);
});

test("a pool that is evicted lets its requests finish", async (t) => {
  const slow = await startUpstream(t, (_request, response) => {
    response.flushHeaders();
    response.write("first ");
    finish = () => response.end("last");
  });
  let finish = () => {};
  const other = await startUpstream(t, (_request, response) => response.end("other"));
  const proxy = await startProxy(
    t,
    { [SERVICE]: [slow.port], "reviews.bookinfo.svc.cluster.local": [other.port] },
    { upstream: { maxPools: 1 } },
  );

  const outgoing = open(proxy.port, {});
  outgoing.end();
  const [incoming] = await once(outgoing, "response");
  assert.equal((await call(proxy.port, { host: "reviews.bookinfo.svc.cluster.local" })).body.toString(), "other");
  finish();

  assert.equal(Buffer.concat(await incoming.toArray()).toString(), "first last");
});
