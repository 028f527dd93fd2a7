import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { readUntil } from "../../src/testing/client.ts";
import { type ProxyUnderTest, SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";
import { upgradeRequest } from "../../src/testing/web-socket.ts";
import type { TunnelOptions } from "../../src/tunnel/tunnel-context.ts";

interface OpenTunnel {
  readonly proxy: ProxyUnderTest;
  readonly client: Socket;
  readonly destination: Socket;
}

/** A tunnel, with the sockets at both of its ends; each can be closed in one direction. */
async function openTunnel(t: TestContext, tunnel: TunnelOptions = {}): Promise<OpenTunnel> {
  const accepted = Promise.withResolvers<Socket>();
  const upstream = await startRawUpstream(t, (socket) => {
    socket.allowHalfOpen = true;
    socket.once("data", () => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
      accepted.resolve(socket);
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { tunnel });
  const client = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
  client.on("error", () => {});
  t.after(() => client.destroy());
  client.write(upgradeRequest());
  await readUntil(client, "\r\n\r\n");
  return { proxy, client, destination: await accepted.promise };
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
  });
}

test("E1-12 a client that has sent all still gets what the destination sends", async (t) => {
  const { proxy, client, destination } = await openTunnel(t);
  destination.resume();

  client.end("last words");
  await once(destination, "end");
  destination.write("answer");
  await readUntil(client, "answer");
  destination.end();
  await Promise.all([closed(client), closed(destination)]);

  await proxy.until("fenceline_proxy_requests_in_flight", 0);
});

test("E1-12 a destination that has sent all still gets what the client sends", async (t) => {
  const { proxy, client, destination } = await openTunnel(t);
  client.resume();

  destination.end("last words");
  await once(client, "end");
  client.write("question");
  await readUntil(destination, "question");
  client.end();
  await Promise.all([closed(client), closed(destination)]);

  await proxy.until("fenceline_proxy_requests_in_flight", 0);
});

for (const from of ["client", "destination"] as const) {
  test(`E1-12 a reset by the ${from} resets the other side, so that it does not look like an end`, async (t) => {
    const ends = await openTunnel(t);
    const other = from === "client" ? ends.destination : ends.client;
    other.resume();
    const failed = once(other, "error");

    ends[from].resetAndDestroy();

    const [error] = await failed.catch((thrown: unknown) => [thrown]);
    assert.equal(error.code, "ECONNRESET");
    assert.equal(other.readableEnded, false);
  });

  test(`E1-12 a ${from} that resets after its end ends the tunnel`, async (t) => {
    const ends = await openTunnel(t);
    const other = from === "client" ? ends.destination : ends.client;
    other.resume();
    ends[from].end();
    await once(other, "end");

    ends[from].destroy();
    const writing = setInterval(() => other.write("x"), 1);
    t.after(() => clearInterval(writing));

    await closed(other);
  });
}

test("E1-12 a tunnel is closed after the idle time, where one is configured", async (t) => {
  const { proxy, client, destination } = await openTunnel(t, { idleTimeout: 50 });
  client.resume();
  destination.resume();

  await Promise.all([once(client, "end"), once(destination, "end")]);

  client.end();
  await closed(client);
  await proxy.until("fenceline_proxy_requests_in_flight", 0);
});

test("E1-12 E1-24 a tunnel is in flight during a drain, and cut at the deadline", async (t) => {
  const { proxy, client, destination } = await openTunnel(t);
  const drained = proxy.sidecar.close({ deadline: 200 });

  destination.write("still there");
  await readUntil(client, "still there");
  client.resume();
  destination.resume();
  await Promise.all([drained, closed(client), closed(destination)]);

  await proxy.until("fenceline_proxy_requests_in_flight", 0);
});

test("E1-12 E1-24 a drain is over as soon as the last tunnel is", async (t) => {
  const { proxy, client, destination } = await openTunnel(t);
  const drained = proxy.sidecar.close({ deadline: 30_000 });

  destination.on("end", () => destination.end()).resume();
  client.end();

  await drained;
});

test("T-36 what a destination said last reaches the client, though it closes with bytes unread and more is written to it", async (t) => {
  for (let round = 0; round < 10; round += 1) {
    const { client, destination } = await openTunnel(t);
    destination.pause();
    client.write("unread");
    const received = readUntil(client, "last words");
    const rest = closed(client.once("end", () => client.end()));
    // All three live on this event loop: the proxy reads from the client first, and writes to a
    // destination that has reset the connection by then.
    setImmediate(() => {
      client.write("more");
      destination.write("last words");
      destination.resetAndDestroy();
    });

    await received;
    client.resume();
    await rest;
  }
});
