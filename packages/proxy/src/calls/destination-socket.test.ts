import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { toAddress } from "../resolve/resolver.ts";
import { startRawUpstream } from "../testing/upstream.ts";
import { DestinationSocket } from "./destination-socket.ts";

test("T-36 what came before a reset is read, though a write fails in between, and then the socket fails", async (t) => {
  const sockets: DestinationSocket[] = [];
  // Both ends live on this event loop: when the client writes, the answer and the reset lie unread
  // in its kernel.
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => {
      socket.write("answer");
      socket.resetAndDestroy();
      sockets.at(-1)?.write("more");
    });
  });
  for (let round = 0; round < 20; round += 1) {
    const socket = new DestinationSocket(toAddress("127.0.0.1", upstream.port), {});
    sockets.push(socket);
    const told: string[] = [];
    socket.onRefused = () => told.push("refused");
    socket.on("data", (data: Buffer) => told.push(data.toString())).on("error", (error) => told.push(error.message));
    socket.write("request");
    await new Promise((resolve) => socket.on("close", resolve));
    assert.ok(socket.wasReset);
    assert.deepEqual(told, ["refused", "answer", "write ECONNRESET"]);
  }
});

test("T-36 a destination that closed its side before the write failed was not reset: what it said is all there is", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.pause();
    socket.end("all", () => socket.destroy());
  });
  const socket = new DestinationSocket(toAddress("127.0.0.1", upstream.port), { allowHalfOpen: true });
  let received = "";
  socket.pause().on("data", (data: Buffer) => {
    received += data.toString();
  });
  socket.on("error", () => {});
  const refused = new Promise<void>((resolve) => {
    socket.onRefused = resolve;
  });
  const timer = setInterval(() => socket.write("body"), 1);
  await refused;
  clearInterval(timer);
  const ended = once(socket, "end");
  socket.resume();
  await ended;
  assert.deepEqual([received, socket.wasReset], ["all", false]);
  if (!socket.closed) await once(socket, "close");
});
