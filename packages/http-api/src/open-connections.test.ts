import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { Registry as MetricsRegistry } from "prom-client";
import { loopbackGuard } from "./access/local-guards.ts";
import { probeRoutes } from "./probes.ts";
import type { Route } from "./route.ts";
import { serveHttpApi } from "./serve.ts";

const MOST_OF_ADDRESS = 128;
const MOST = 512;

/** Beyond what a socket takes in: whoever does not read is in its answer while it is open. */
const LARGE = Buffer.alloc(32 * 1024 * 1024);

async function start(t: TestContext): Promise<number> {
  const large: Route = {
    method: "GET",
    path: "/large",
    right: "none",
    answer: (_, response) => void response.end(LARGE),
  };
  const routes = [...probeRoutes({ metrics: () => [new MetricsRegistry()] }), large];
  const api = await serveHttpApi({ host: "127.0.0.1", port: 0, routes, guard: loopbackGuard() });
  t.after(() => api.close());
  return api.port;
}

/** Connections that send this and read nothing. */
async function hold(t: TestContext, port: number, count: number, bytes = "", localAddress = "127.0.0.1"): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect({ port, host: "127.0.0.1", localAddress }).on("error", () => {}));
  t.after(() => sockets.forEach((socket) => void socket.destroy()));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  for (const socket of sockets) if (bytes !== "") socket.write(bytes);
  return sockets;
}

async function probe(port: number, localAddress = "127.0.0.1"): Promise<number | undefined> {
  const sent = request({ host: "127.0.0.1", port, path: "/healthz", localAddress, agent: false });
  sent.end();
  const [response] = await once(sent, "response");
  response.resume();
  return response.statusCode;
}

const ADDRESSES = Array.from({ length: MOST / MOST_OF_ADDRESS }, (_, index) => `127.0.0.${index + 20}`);
const REQUEST = "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n";

for (const [name, bytes] of [
  ["that send nothing", ""],
  ["with a part of a header", "GET /healthz HTTP/1.1\r\nHost"],
  ["that do not read their answers", REQUEST],
] as const) {
  test(`T-10 a probe is answered beside all the connections that its own address may have, ${name}`, async (t) => {
    const port = await start(t);
    await hold(t, port, MOST_OF_ADDRESS, bytes);
    for (let times = 0; times < 10; times += 1) assert.equal(await probe(port), 200);
  });

  test(`T-10 a probe is answered beside all the connections that the port takes, ${name}`, async (t) => {
    const port = await start(t);
    await Promise.all(ADDRESSES.map((address) => hold(t, port, MOST_OF_ADDRESS, bytes, address)));
    for (let times = 0; times < 10; times += 1) assert.equal(await probe(port), 200);
  });
}

test("T-10 a probe is answered while its address opens connections all the time", async (t) => {
  const port = await start(t);
  let isOver = false;
  const flood = async () => {
    while (!isOver) {
      const socket = connect({ port, host: "127.0.0.1" }).on("error", () => {});
      t.after(() => void socket.destroy());
      await once(socket, "connect");
    }
  };
  const floods = Array.from({ length: 8 }, flood);
  for (let times = 0; times < 20; times += 1) assert.equal(await probe(port), 200);
  isOver = true;
  await Promise.all(floods);
});

test("T-10 what waits longest gives way first, and an answer that is being sent last", async (t) => {
  const port = await start(t);
  const [sending] = await hold(t, port, 1, REQUEST);
  const [oldest, younger] = await hold(t, port, 2);
  const closed = once(oldest as Socket, "close");
  oldest?.resume();
  await hold(t, port, MOST_OF_ADDRESS - 2);
  await closed;
  assert.equal(sending?.closed, false);
  assert.equal(younger?.closed, false);
  younger?.end("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  assert.match((await younger?.setEncoding("latin1").toArray())?.join("") ?? "", /^HTTP\/1\.1 200/);
});
