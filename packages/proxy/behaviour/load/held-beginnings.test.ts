import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { until } from "@fenceline/api/testing";
import { call, openSocket, readToEnd, readUntil } from "../../src/testing/client.ts";
import { SERVICE, SOURCE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const LIMIT = 2 * 1024 * 1024;
const HELD = 'fenceline_proxy_held_bytes{what="in_flight"}';
const OVERDUE = 'fenceline_proxy_requests_total{outcome="REQUEST_TIMED_OUT"}';
const CLIENTS = 150;
const PART = 40_000;
const START = `GET / HTTP/1.1\r\nHost: ${SERVICE}\r\nfence-source: ${SOURCE}\r\n`;
const UNFINISHED = `${START}x-large: ${"a".repeat(PART)}`;
const LOAD = { maxHeldBytes: LIMIT, maxTurn: 0 };

async function openClient(t: TestContext, port: number): Promise<Socket> {
  const socket = await openSocket(port);
  t.after(() => socket.destroy());
  return socket;
}

/** Statuses of those that were answered, of all that were ended. */
function statusesOf(sockets: readonly Socket[]): { readonly answered: string[]; closed: number } {
  const seen = { answered: [] as string[], closed: 0 };
  for (const socket of sockets) {
    void readToEnd(socket).then((answer) => {
      seen.closed += 1;
      if (answer !== "") seen.answered.push(answer.slice(0, 12));
    });
  }
  return seen;
}

test("T-10 headers that do not come to their end hold a bounded sum of bytes, and a small one among them is answered", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { load: LOAD });
  const small = await openClient(t, proxy.port);
  small.write(START);
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openClient(t, proxy.port)));
  const ended = statusesOf(clients);

  for (const client of clients) client.write(UNFINISHED);
  // What was sent is more than twice as much as may ever be held.
  assert.ok(CLIENTS * PART > 2 * LIMIT);
  await until(async () => ended.closed > 0 && (await proxy.metric(HELD)) > 0 && (await proxy.metric(HELD)) <= LIMIT);

  assert.ok((await proxy.metric(OVERDUE)) > 0);
  assert.ok(ended.answered.length > 0);
  assert.deepEqual([...new Set(ended.answered)], ["HTTP/1.1 408"]);
  small.write("\r\n");
  assert.match(await readUntil(small, "\r\n\r\n"), /^HTTP\/1\.1 200 /);
  assert.equal((await call(proxy.port)).status, 200);
});

test("T-10 the same behind an answer, on connections that are kept", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { load: LOAD });
  const clients: Socket[] = [];
  for (let i = 0; i < CLIENTS; i += 1) {
    const client = await openClient(t, proxy.port);
    client.write(`${START}\r\n`);
    await readUntil(client, "\r\n\r\n");
    clients.push(client);
  }
  await proxy.until("fenceline_proxy_requests_in_flight", 0);
  const ended = statusesOf(clients);

  for (const client of clients) client.write(UNFINISHED);
  await until(async () => ended.closed > 0 && (await proxy.metric(HELD)) > 0 && (await proxy.metric(HELD)) <= LIMIT);

  assert.deepEqual([...new Set(ended.answered)], ["HTTP/1.1 408"]);
});

test("T-10 connections that rest after many requests, or whose body is still coming, hold nothing", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { load: LOAD });
  const rests = await openClient(t, proxy.port);
  for (let i = 0; i < 3; i += 1) {
    rests.write(`${START}x-large: ${"a".repeat(PART)}\r\n\r\n`);
    await readUntil(rests, "\r\n\r\n");
  }
  const refused = await openClient(t, proxy.port);
  // Refused at once; the rest of the body is read and thrown away.
  refused.write(`POST / HTTP/1.1\r\nHost: nowhere.bookinfo.svc.cluster.local\r\nContent-Length: ${2 * PART}\r\n\r\n`);
  await readUntil(refused, "\r\n\r\n");
  refused.write("a".repeat(PART));
  await proxy.until("fenceline_proxy_requests_in_flight", 0);

  await proxy.until(HELD, 0);

  refused.write("a".repeat(PART));
  await proxy.until(HELD, 0);
  refused.write(UNFINISHED);
  await until(async () => (await proxy.metric(HELD)) > PART);
});
