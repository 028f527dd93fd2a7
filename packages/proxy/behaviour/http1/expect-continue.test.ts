import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { open, openSocket, readAnswer, readUntil, sendRaw } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startAnsweringUpstream, startRawUpstream, startUpstream } from "../../src/testing/upstream.ts";

const PUT = `PUT / HTTP/1.1\r\nHost: ${SERVICE}\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`;

test("E1-09 the destination hears of the expectation, its 100 is relayed, and the body follows", async (t) => {
  const upstream = await startUpstream(t, async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    response.end(`${request.headers.expect} ${body}`);
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const outgoing = open(proxy.port, { method: "PUT", headers: { expect: "100-continue", "content-length": "4" } });
  outgoing.flushHeaders();
  await once(outgoing, "continue");
  outgoing.end("body");
  const answer = await readAnswer(outgoing);

  assert.equal(answer.body.toString(), "100-continue body");
});

test("T-42 a client that waits for 100 gets it behind however many other interim answers", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => socket.write(`${"HTTP/1.1 102 Processing\r\n\r\n".repeat(500)}HTTP/1.1 100 Continue\r\n\r\n`));
    socket.on("data", (chunk) => {
      if (chunk.toString().endsWith("body")) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const outgoing = open(proxy.port, { method: "PUT", headers: { expect: "100-continue", "content-length": "4" } });
  outgoing.flushHeaders();
  await once(outgoing, "continue");
  outgoing.end("body");

  assert.equal((await readAnswer(outgoing)).status, 200);
});

/** A destination that refuses what it is announced. */
async function startRefusing(t: TestContext): Promise<number> {
  const server = createServer().on("checkContinue", (_request, response) => response.writeHead(413, { "content-length": "0" }).end());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

test("E1-09 a destination that refuses the upload is heard without the body being sent, and the connection closes", async (t) => {
  const proxy = await startProxy(t, { [SERVICE]: [await startRefusing(t)] });

  const received = await sendRaw(proxy.port, PUT);

  assert.match(received, /^HTTP\/1\.1 413 /);
  assert.match(received, /connection: close/i);
  assert.ok(!received.includes("100 Continue"));
});

test("E1-09 a client that does not wait for the 100 has its body forwarded all the same", async (t) => {
  const upstream = await startAnsweringUpstream(t, "");
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);
  t.after(() => socket.destroy());

  socket.write(`${PUT}body`);
  await upstream.received("body");
});

test("E1-09 a refused upload gets its refusal and no 100", async (t) => {
  const proxy = await startProxy(t, {});
  const socket = await openSocket(proxy.port);
  t.after(() => socket.destroy());

  socket.write(PUT);
  const answer = await readUntil(socket, "}\n");

  assert.match(answer, /^HTTP\/1\.1 503 /);
});

for (const [what, interim] of [
  ["100", "HTTP/1.1 100 Continue\r\n\r\n"],
  ["100 with `Connection: close`, which is about nothing", "HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n"],
] as const) {
  test(`T-48 behind a relayed ${what} the client's connection goes on`, async (t) => {
    const upstream = await startRawUpstream(t, (socket) => {
      socket.on("data", (data) => {
        const isHead = data.includes("100-continue");
        socket.write(isHead ? interim : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      });
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const socket = await openSocket(proxy.port);
    t.after(() => socket.destroy());

    for (let i = 0; i < 2; i += 1) {
      socket.write(PUT);
      assert.equal(await readUntil(socket, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
      socket.write("body");
      const answer = await readUntil(socket, "ok");
      assert.match(answer, /^HTTP\/1\.1 200 /);
      assert.doesNotMatch(answer, /connection: close/i);
    }
  });
}

for (const [what, field] of [
  ["without content", ""],
  ["with content of no byte", "Content-Length: 0\r\n"],
] as const) {
  test(`T-48 a request ${what} that expects 100 and is answered without it leaves its connection as it is`, async (t) => {
    const upstream = await startRawUpstream(t, (socket) => {
      socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const socket = await openSocket(proxy.port);
    t.after(() => socket.destroy());

    for (let i = 0; i < 2; i += 1) {
      socket.write(`POST / HTTP/1.1\r\nHost: ${SERVICE}\r\nExpect: 100-continue\r\n${field}\r\n`);
      const answer = await readUntil(socket, "ok");
      assert.match(answer, /^HTTP\/1\.1 200 /);
      assert.doesNotMatch(answer, /connection: close/i);
    }
  });
}
