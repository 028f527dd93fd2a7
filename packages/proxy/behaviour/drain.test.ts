import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent } from "node:http";
import { test } from "node:test";
import { call, open, openSocket, readAnswer, readToEnd } from "../src/testing/client.ts";
import { SERVICE, startProxy } from "../src/testing/proxy-under-test.ts";
import { startUpstream } from "../src/testing/upstream.ts";

test("E1-24 a drain refuses new connections, lets requests in flight finish, and closes theirs", async (t) => {
  let finish = () => {};
  let arrived = () => {};
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const upstream = await startUpstream(t, (_request, response) => {
    finish = () => response.end("late");
    arrived();
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);
  socket.write(`GET / HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`);
  await arrival;

  const closed = proxy.sidecar.close();
  await assert.rejects(call(proxy.port), { code: "ECONNREFUSED" });
  finish();
  const answer = await readToEnd(socket);
  await closed;

  assert.match(answer, /connection: close\r\n/i);
  assert.ok(answer.includes("late"), answer);
});

test("E1-24 a connection whose answer began before the drain is closed when that answer ends", async (t) => {
  let finish = () => {};
  const upstream = await startUpstream(t, (_request, response) => {
    response.writeHead(200, { "content-length": 4 }).flushHeaders();
    finish = () => response.end("late");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const outgoing = open(proxy.port, { agent });
  outgoing.end();
  const answer = readAnswer(outgoing);
  await once(outgoing, "response");

  const closed = proxy.sidecar.close();
  finish();

  assert.equal((await answer).body.toString(), "late");
  await closed;
});

test("E1-24 what is not done at the deadline is cut", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.flushHeaders());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const outgoing = open(proxy.port, {});
  outgoing.end();
  const [incoming] = await once(outgoing, "response");
  const cut = assert.rejects(incoming.toArray(), { code: "ECONNRESET" });

  await proxy.sidecar.close({ deadline: 50 });

  await cut;
});

test("closing an idle proxy is done at once, also with an idle client and destination", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("ok"));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  await call(proxy.port, { agent });

  const before = Date.now();
  await proxy.sidecar.close();

  assert.ok(Date.now() - before < 2_000);
});
