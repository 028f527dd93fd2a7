import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { UpstreamOptions } from "../calls/upstream-options.ts";
import { toAddress } from "../resolve/resolver.ts";
import { startRawUpstream, unusedPort } from "../testing/upstream.ts";
import type { AnswerHead } from "./answer-head.ts";
import type { ConnectionUser, Http1Connection, Waiter } from "./connection.ts";
import { Http1Pools } from "./pools.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/** One GET by way of the pools. */
class Get implements Waiter, ConnectionUser {
  done = false;
  caller = "";
  needsFresh = false;
  connection: Http1Connection | undefined;
  readonly outcome: Promise<string>;
  readonly connected: Promise<void>;
  #resolve: (outcome: string) => void = () => {};
  #connected: () => void = () => {};

  constructor() {
    this.outcome = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.connected = new Promise((resolve) => {
      this.#connected = resolve;
    });
  }

  onConnection(connection: Http1Connection): void {
    this.connection = connection;
    this.#connected();
    connection.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n", "GET", this);
    connection.endRequest();
  }

  onNoConnection(error: Error & { code?: string }): void {
    this.#resolve(`no connection: ${error.code}`);
  }

  onAnswer({ status }: AnswerHead): void {
    this.#resolve(String(status));
  }

  onError(error: Error & { code?: string }): void {
    this.#resolve(`error: ${error.code}`);
  }

  onInterim(): void {}
  onData(): void {}
  onEnd(): void {}
  onFlush(): void {}
  onDrain(): void {}
  onRefused(): void {}
}

function startPools(t: TestContext, options: UpstreamOptions = {}): Http1Pools {
  const pools = new Http1Pools(options);
  t.after(async () => {
    pools.destroy();
    await pools.close();
  });
  return pools;
}

/** A destination that answers each read, and the connections to it. */
async function startAnswering(t: TestContext) {
  const sockets: Socket[] = [];
  const upstream = await startRawUpstream(t, (socket) => {
    sockets.push(socket);
    socket.on("data", () => socket.write(OK));
  });
  return { upstream, sockets };
}

function get(pools: Http1Pools, port: number): Get {
  const request = new Get();
  pools.acquire(toAddress("127.0.0.1", port), request);
  return request;
}

test("requests beyond the most connections wait for one, and those beyond the most that wait are told", async (t) => {
  const sockets: Socket[] = [];
  const upstream = await startRawUpstream(t, (socket) => sockets.push(socket));
  const pools = startPools(t, { maxConnections: 1, maxWaiting: 1 });

  const [first, second, third] = [get(pools, upstream.port), get(pools, upstream.port), get(pools, upstream.port)];
  assert.equal(await third.outcome, "no connection: BUSY");
  await first.connected;
  assert.equal(second.connection, undefined);
  sockets[0]?.on("data", () => sockets[0]?.write(OK));

  assert.deepEqual([await first.outcome, await second.outcome], ["200", "200"]);
  assert.equal(upstream.connections(), 1);
});

test("who waits for a connection gets a new one when the old one breaks", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => (upstream.connections() === 1 ? socket.destroy() : socket.write(OK)));
  });
  const pools = startPools(t, { maxConnections: 1 });

  const [first, second] = [get(pools, upstream.port), get(pools, upstream.port)];

  assert.match(await first.outcome, /^error: /);
  assert.equal(await second.outcome, "200");
});

test("an idle connection is closed when its time is up", async (t) => {
  const closed: Promise<unknown>[] = [];
  const upstream = await startRawUpstream(t, (socket) => {
    closed.push(once(socket, "close"));
    socket.on("data", () => socket.write(OK));
  });
  const pools = startPools(t, { keepAliveTimeout: 100 });

  assert.equal(await get(pools, upstream.port).outcome, "200");
  await Promise.all(closed);
});

test("a destination that will close a connection after a second is not sent another request on it", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.on("data", () => socket.write(OK.replace("\r\n\r\n", "\r\nKeep-Alive: timeout=1, max=5\r\n\r\n")));
  });
  const pools = startPools(t);

  assert.equal(await get(pools, upstream.port).outcome, "200");
  assert.equal(await get(pools, upstream.port).outcome, "200");
  assert.equal(upstream.connections(), 2);
});

test("bytes on an idle connection close it", async (t) => {
  const { upstream, sockets } = await startAnswering(t);
  const pools = startPools(t);

  assert.equal(await get(pools, upstream.port).outcome, "200");
  const closed = once(sockets[0] as Socket, "close");
  sockets[0]?.write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  await closed;

  assert.equal(await get(pools, upstream.port).outcome, "200");
  assert.equal(upstream.connections(), 2);
});

test("T-38 a connection whose end is unread in the kernel when the request comes is not used", async (t) => {
  const { upstream, sockets } = await startAnswering(t);
  const pools = startPools(t);

  assert.equal(await get(pools, upstream.port).outcome, "200");
  // Long idle, in turns of the event loop.
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  sockets[0]?.destroy();

  assert.equal(await get(pools, upstream.port).outcome, "200");
  assert.equal(upstream.connections(), 2);
});

test("who gave up while its connection was being made leaves it to the next", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.on("data", () => socket.write(OK));
  });
  const pools = startPools(t);

  const abandoned = get(pools, upstream.port);
  abandoned.done = true;
  assert.equal(await get(pools, upstream.port).outcome, "200");
  assert.equal(await get(pools, upstream.port).outcome, "200");
  assert.equal(abandoned.connection, undefined);
});

test("a refused connection is told to its one waiter, and closing the pools to all", async (t) => {
  const pools = startPools(t);
  assert.equal(await get(pools, await unusedPort()).outcome, "no connection: ECONNREFUSED");

  const silent = createServer();
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  t.after(() => {
    silent.close();
  });
  const waiting = get(pools, (silent.address() as AddressInfo).port);
  pools.destroy();
  assert.equal(await waiting.outcome, "no connection: CLOSED");
});

test("T-39 the age of an idle connection is looked at when it is taken, not only when the sweep comes by", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.on("data", () => socket.write(OK));
  });
  const pools = startPools(t, { keepAliveTimeout: 50 });

  for (let i = 1; i <= 3; i += 1) {
    assert.equal(await get(pools, upstream.port).outcome, "200");
    assert.equal(upstream.connections(), i);
    const since = performance.now();
    while (performance.now() - since <= 60) await nextTurn();
  }
});

for (const value of ["timeout=2", "timeout=2, max=100", "max=100, timeout=2", "Timeout = 2", 'timeout="2"', "timeout=2; max=5"]) {
  test(`T-39 a destination that keeps connections for two seconds (${value}) gets no request after one`, async (t) => {
    const upstream = await startRawUpstream(t, (socket) => {
      socket.on("data", () => socket.write(OK.replace("\r\n\r\n", `\r\nKeep-Alive: ${value}\r\n\r\n`)));
    });
    const pools = startPools(t);

    const first = get(pools, upstream.port);
    assert.equal(await first.outcome, "200");
    assert.equal(first.connection?.offeredIdleTime, 2_000);
    assert.equal(first.connection?.idleLimit, 1_000);
  });
}

test("T-38 a request in the turn of an answer takes no connection whose end is unread", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => socket.end(OK));
  });
  const pools = startPools(t, { maxConnections: 2 });

  const first = get(pools, upstream.port);
  const second = new Promise<string>((resolve) => {
    first.onEnd = () => queueMicrotask(() => resolve(get(pools, upstream.port).outcome));
  });

  assert.deepEqual([await first.outcome, await second], ["200", "200"]);
  assert.equal(upstream.connections(), 2);
});

test("T-38 a connection that rests is waited for rather than another one made", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.on("data", () => socket.write(OK));
  });
  const pools = startPools(t);

  const first = get(pools, upstream.port);
  const second = new Promise<string>((resolve) => {
    first.onEnd = () => queueMicrotask(() => resolve(get(pools, upstream.port).outcome));
  });

  assert.equal(await second, "200");
  assert.equal(upstream.connections(), 1);
});

test("T-38 who needs a fresh connection gets one where all are in use or idle", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.on("data", () => socket.write(OK));
  });
  const pools = startPools(t, { maxConnections: 1 });

  assert.equal(await get(pools, upstream.port).outcome, "200");
  const fresh = new Get();
  fresh.needsFresh = true;
  pools.acquire(toAddress("127.0.0.1", upstream.port), fresh);

  assert.equal(await fresh.outcome, "200");
  assert.equal(upstream.connections(), 2);
});

test("T-47 a connection that is being made for who left goes to whoever waits in line, and is given up when nobody does", async (t) => {
  const closed: Promise<unknown>[] = [];
  const upstream = await startRawUpstream(t, (socket) => {
    closed.push(once(socket, "close"));
    socket.on("data", () => socket.write(OK));
  });
  const pools = startPools(t, { maxConnections: 1 });
  const address = toAddress("127.0.0.1", upstream.port);

  const [left, patient] = [get(pools, upstream.port), get(pools, upstream.port)];
  assert.deepEqual([pools.waitsInLine(address, left), pools.waitsInLine(address, patient)], [false, true]);
  left.done = true;
  pools.leave(address, left);
  assert.equal(await patient.outcome, "200");
  assert.deepEqual([upstream.connections(), left.connection], [1, undefined]);

  const other = startPools(t, { maxConnections: 1 });
  const alone = get(other, upstream.port);
  alone.done = true;
  other.leave(address, alone);
  assert.equal(await get(other, upstream.port).outcome, "200");
  assert.equal(alone.connection, undefined);
});
