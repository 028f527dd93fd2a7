import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { call, openSocket, readToEnd } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream } from "../../src/testing/upstream.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const POSTS = 20;
const POST = `POST / HTTP/1.1\r\nHost: ${SERVICE}\r\nContent-Length: 1\r\n`;

for (const [how, answer] of Object.entries({
  "without a word": OK,
  "and says so": OK.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
  "and says so in capitals, in a list": OK.replace("\r\n\r\n", "\r\nConnection: X-A, CLOSE\r\n\r\n"),
  "though it promises to stay": OK.replace("\r\n\r\n", "\r\nKeep-Alive: timeout=60\r\nConnection: keep-alive\r\n\r\n"),
  "after HTTP/1.0 with keep-alive": OK.replace("1.1", "1.0").replace("\r\n\r\n", "\r\nConnection: keep-alive\r\n\r\n"),
})) {
  test(`T-38 a destination that closes right behind each answer (${how}) fails no POST that begins in the turn of the answer`, async (t) => {
    const upstream = await startRawUpstream(t, (socket) => {
      socket.once("data", () => socket.end(answer));
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const client = await openSocket(proxy.port);

    client.write(`${`${POST}\r\nx`.repeat(POSTS - 1)}${POST}Connection: close\r\n\r\nx`);

    assert.equal((await readToEnd(client)).match(/HTTP\/1\.1 200 OK/g)?.length, POSTS);
    assert.equal(upstream.connections(), POSTS);
  });
}

test("T-38 a destination that resets the connection right behind its answers fails no POST of clients that call at the same time", async (t) => {
  let answers = 0;
  const upstream = await startRawUpstream(t, (socket) => {
    socket.on("data", () => {
      socket.write(OK);
      answers += 1;
      if (answers % 2 === 0) socket.resetAndDestroy();
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const failed: string[] = [];

  const clients = Array.from({ length: 20 }, async () => {
    const client = await openSocket(proxy.port);
    t.after(() => client.destroy());
    for (let i = 0; i < POSTS; i += 1) {
      client.write(`${POST}\r\nx`);
      const [answer]: Buffer[] = await once(client, "data");
      if (answer?.includes("200 OK") !== true) failed.push(String(answer));
    }
  });
  await Promise.all(clients);

  assert.deepEqual(failed, []);
});

test("T-38 bytes behind an answer that come in a segment of their own are nobody's answer", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.setNoDelay(true).on("data", () => {
      socket.write(OK);
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openSocket(proxy.port);

  client.write(`${`${POST}\r\nx`.repeat(POSTS - 1)}${POST}Connection: close\r\n\r\nx`);
  const answers = await readToEnd(client);

  assert.equal(answers.match(/ok/g)?.length, POSTS);
  assert.doesNotMatch(answers, /evil/);
});

for (const [method, status, head] of [
  ["GET", 204, "HTTP/1.1 204 No Content\r\nContent-Length: 40\r\n\r\n"],
  ["GET", 204, "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["HEAD", 200, "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"],
  ["GET", 304, "HTTP/1.1 304 Not Modified\r\nContent-Length: 40\r\n\r\n"],
] as const) {
  test(`T-38 a body that a ${status} to ${method} must not have does not become the next answer (${head.slice(20, 60).trim()})`, async (t) => {
    const upstream = await startRawUpstream(t, (socket) => {
      socket.setNoDelay(true).on("data", (chunk) => {
        if (chunk.includes("/next")) socket.write(OK);
        else {
          socket.write(head);
          socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
        }
      });
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const client = await openSocket(proxy.port);

    client.write(`${method} / HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\nGET /next HTTP/1.1\r\nHost: ${SERVICE}\r\nConnection: close\r\n\r\n`);

    assert.match(await readToEnd(client), new RegExp(`^HTTP/1.1 ${status} .*HTTP/1.1 200 OK.*\r\n\r\nok$`, "s"));
  });
}

test("T-38 a retry takes a fresh connection, not another kept-alive one that is dead too", async (t) => {
  const waiting: Socket[] = [];
  const answerAll = () => {
    for (const socket of waiting.splice(0)) socket.write(OK);
  };
  // The first three requests are answered together, so that three connections are kept alive, each
  // for one request.
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => {
      waiting.push(socket);
      if (upstream.connections() >= 3) answerAll();
      socket.once("data", () => socket.destroy());
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  await Promise.all([call(proxy.port), call(proxy.port), call(proxy.port)]);
  assert.equal((await call(proxy.port)).status, 200);
  assert.equal(upstream.connections(), 4);
});

test("T-38 a destination that closes an idle connection is sent nothing more on it", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => socket.write(OK));
    closing.push(socket);
  });
  const closing: Socket[] = [];
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  for (let i = 1; i <= 3; i += 1) {
    assert.equal((await call(proxy.port, { method: "POST", body: "x" })).status, 200);
    const socket = closing.at(-1) ?? assert.fail();
    socket.end();
    await once(socket, "close");
  }
  assert.equal(upstream.connections(), 3);
});
