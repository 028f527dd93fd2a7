import assert from "node:assert/strict";
import { test } from "node:test";
import { currentTurn } from "../net/current-turn.ts";
import { toAddress } from "../resolve/resolver.ts";
import { startRawUpstream } from "../testing/upstream.ts";
import { type ConnectionUser, Http1Connection } from "./connection.ts";

/** More than one read takes, and no more than the kernel holds. */
const CHUNKS = 60_000;
const ANSWER = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${"1\r\nx\r\n".repeat(CHUNKS)}0\r\n\r\n`;

test("T-09 an answer in chunks of one byte is read once in a turn of the event loop, and whole", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => socket.write(ANSWER));
  });
  const turns: number[] = [];
  let received = 0;
  const ended = Promise.withResolvers<void>();
  const user: ConnectionUser = {
    onInterim() {},
    onAnswer() {},
    onData(data) {
      received += data.length;
    },
    onFlush() {
      turns.push(currentTurn());
    },
    onEnd: () => ended.resolve(),
    onDrain() {},
    onRefused() {},
    onError: (error) => ended.reject(error),
  };
  const owner = {
    onConnected(connection: Http1Connection) {
      connection.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n", "GET", user);
      connection.endRequest();
    },
    onConnectFailed: (_connection: Http1Connection, error: Error) => ended.reject(error),
    onIdle: (connection: Http1Connection) => connection.destroy(),
    onGone() {},
  };
  const address = toAddress("127.0.0.1", upstream.port);
  const connection = new Http1Connection(address, owner, { connectTimeout: 10_000, headersTimeout: 0 });
  t.after(() => connection.destroy());

  await ended.promise;

  assert.equal(received, CHUNKS);
  assert.ok(turns.length > 2, `${turns.length} reads`);
  assert.equal(new Set(turns).size, turns.length);
});
