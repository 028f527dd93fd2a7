import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { open, openSocket, readAnswer, readUntil, sendRaw } from "../testing/client.ts";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";
import { startUpstream } from "../testing/upstream.ts";

test("E1-09 a client that waits for 100 Continue gets it and its body is forwarded, without Expect", async (t) => {
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

  assert.equal(answer.body.toString(), "undefined body");
});

test("E1-09 a refused upload gets its refusal and no 100", async (t) => {
  const proxy = await startProxy(t, {});
  const socket = await openSocket(proxy.port);
  t.after(() => socket.destroy());

  socket.write(`PUT / HTTP/1.1\r\nHost: ${SERVICE}\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`);
  const answer = await readUntil(socket, "}\n");

  assert.match(answer, /^HTTP\/1\.1 503 /);
});

test("E1-09 another expectation gets 417", async (t) => {
  const proxy = await startProxy(t, {});
  const answer = await sendRaw(proxy.port, `GET / HTTP/1.1\r\nHost: ${SERVICE}\r\nConnection: close\r\nExpect: wonders\r\n\r\n`);
  assert.match(answer, /^HTTP\/1\.1 417 /);
});
