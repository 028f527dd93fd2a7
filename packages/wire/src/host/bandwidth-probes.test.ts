import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { FLAG, FRAME, frame, framed, hpack, PREFACE } from "../testing/frames.ts";
import { startGrpcHost } from "./grpc-host.ts";
import type { HostLimit } from "./limits.ts";
import type { GrpcMethod } from "./service.ts";

const PATH = "/test.Service/Echo";
const CALL = hpack({ ":method": "POST", ":scheme": "http", ":path": PATH, ":authority": "a", "content-type": "application/grpc" });
const PING = frame(FRAME.PING, 0, 0, Buffer.alloc(8));
const WINDOW_UPDATE = 8;
const WINDOW = Buffer.from([0, 0, 0, 5]);
const windows = Buffer.concat([frame(WINDOW_UPDATE, 0, 0, WINDOW), frame(WINDOW_UPDATE, 0, 1, WINDOW)]);

const echo: GrpcMethod = { open: (call) => ({ message: (message) => void call.send(Buffer.from(message)), retire() {} }) };

test("T-32 a client that measures its bandwidth by empty messages in lockstep is not cut", async (t) => {
  const MESSAGES = 8_000;
  const met: HostLimit[] = [];
  const host = await startGrpcHost({ host: "127.0.0.1", port: 0, services: [{ [PATH]: echo }], onLimit: (limit) => met.push(limit) });
  t.after(() => host.close(0));
  const socket = connect(host.port, "127.0.0.1").on("error", () => {});
  t.after(() => socket.destroy());
  const closed = once(socket, "close");
  let echoed = 0;
  let unread: Buffer = Buffer.alloc(0);
  const message = () => socket.write(Buffer.concat([frame(FRAME.DATA, 0, 1, framed(Buffer.alloc(0))), PING, windows]));
  const done = new Promise<void>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      unread = Buffer.concat([unread, chunk]);
      for (; unread.length >= 9 && unread.length >= 9 + unread.readUIntBE(0, 3); unread = unread.subarray(9 + unread.readUIntBE(0, 3))) {
        if (unread[3] !== FRAME.DATA) continue;
        echoed += 1;
        if (echoed === MESSAGES) resolve();
        else message();
      }
    });
  });

  socket.write(Buffer.concat([PREFACE, frame(FRAME.SETTINGS, 0, 0), frame(FRAME.HEADERS, FLAG.END_HEADERS, 1, CALL)]));
  message();

  await Promise.race([done, closed]);
  assert.deepEqual({ echoed, met }, { echoed: MESSAGES, met: [] });
});
