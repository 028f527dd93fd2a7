import assert from "node:assert/strict";
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { test } from "node:test";
import { openSocket, readUntil, sendRaw } from "../testing/client.ts";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";
import { startAnsweringUpstream } from "../testing/upstream.ts";
import { upgradeRequest } from "../testing/web-socket.ts";
import { parseAnswerHead } from "./answer-head.ts";
import { relayInterim } from "./interim-answers.ts";

const FINAL = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = `GET / HTTP/1.1\r\nHost: ${SERVICE}\r\n`;

for (const interim of [
  "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nX-More: 1\r\n\r\n",
  "HTTP/1.1 102 Processing\r\n\r\n",
  "HTTP/1.1 104 Upload Resumption Supported\r\nUpload-Offset: 5\r\n\r\n",
]) {
  test(`E1-09 an interim answer (${interim.slice(9, 12)}) is relayed as it is, before the final one`, async (t) => {
    const upstream = await startAnsweringUpstream(t, interim + FINAL);
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const received = await sendRaw(proxy.port, `${GET}Connection: close\r\n\r\n`);

    assert.ok(received.startsWith(`${interim}HTTP/1.1 200 OK\r\n`), received);
  });
}

test("E1-09 a 100 that nobody asked for does no harm", async (t) => {
  const upstream = await startAnsweringUpstream(t, `HTTP/1.1 100 Continue\r\n\r\n${FINAL}`);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const received = await sendRaw(proxy.port, `${GET}Connection: close\r\n\r\n`);

  assert.match(received, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
});

test("E1-09 an HTTP/1.0 client gets no interim answer: it would take it for the final one", async (t) => {
  const upstream = await startAnsweringUpstream(t, `HTTP/1.1 103 Early Hints\r\n\r\n${FINAL}`);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const received = await sendRaw(proxy.port, `GET / HTTP/1.0\r\nHost: ${SERVICE}\r\n\r\n`);

  assert.match(received, /^HTTP\/1\.1 200 OK\r\n/);
});

test("E1-19 an interim answer has no body, whatever it says: its Content-Length does not swallow the final one", async (t) => {
  const upstream = await startAnsweringUpstream(t, `HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n${FINAL}`);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const received = await sendRaw(proxy.port, `${GET}Connection: close\r\n\r\n`);

  assert.ok(received.endsWith("\r\n\r\nok"), received);
});

for (const [what, interim, relayed] of [
  ["20 of 104", "HTTP/1.1 104 Upload Resumption Supported\r\nUpload-Offset: 5\r\n\r\n".repeat(20), 20],
  ["120 of 102", "HTTP/1.1 102 Processing\r\n\r\n".repeat(120), 100],
  ["5,000 of 103", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(5_000), 100],
  ["one that closes", "HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n", 1],
  ["one of HTTP/1.0", "HTTP/1.0 103 Early Hints\r\n\r\n", 1],
  ["one with a coding", "HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n", 1],
] as const) {
  test(`T-42 the final answer is served behind any interim ones (${what}), of which at most 100 are relayed`, async (t) => {
    const upstream = await startAnsweringUpstream(t, interim + FINAL);
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const received = await sendRaw(proxy.port, `${GET}Connection: close\r\n\r\n`);

    assert.equal(received.match(/^HTTP\/1\.1 1\d\d /gm)?.length, relayed);
    assert.doesNotMatch(received.slice(0, received.indexOf("HTTP/1.1 200")), /transfer-encoding|content-length|connection/i);
    assert.match(received, /HTTP\/1\.1 200 OK\r\n.*\r\n\r\nok$/s);
  });
}

test("T-42 no Content-Length of an interim answer is relayed, of a 101 neither", async (t) => {
  const upstream = await startAnsweringUpstream(t, `HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nX-A: 1\r\n\r\n${FINAL}`);
  const switching = await startAnsweringUpstream(t, "HTTP/1.1 101 Switching Protocols\r\nContent-Length: 0\r\nUpgrade: websocket\r\n\r\n");
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port], "reviews.bookinfo.svc.cluster.local": [switching.port] });

  assert.match(
    await sendRaw(proxy.port, `${GET}Connection: close\r\n\r\n`),
    /^HTTP\/1\.1 103 Early Hints\r\nX-A: 1\r\n\r\nHTTP\/1\.1 200 /,
  );
  const client = await openSocket(proxy.port);
  client.write(upgradeRequest().replace(SERVICE, "reviews.bookinfo.svc.cluster.local"));
  assert.equal(await readUntil(client, "\r\n\r\n"), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
  client.destroy();
});

test("T-42 interim answers do not pile up for a client that reads nothing", () => {
  const request = new IncomingMessage(new Socket());
  request.httpVersionMinor = 1;
  const response = new ServerResponse(request);
  const socket = new Socket();
  // What a socket is given before it is connected stays with it.
  Object.defineProperty(socket, "connecting", { value: true });
  response.assignSocket(socket);
  const head = parseAnswerHead(`HTTP/1.1 103 Early Hints\r\nLink: </${"a".repeat(50_000)}>`);
  if (typeof head === "string") assert.fail(head);

  for (let i = 0; i < 100; i += 1) relayInterim(request, response, head);

  assert.ok(socket.writableLength > 50_000 && socket.writableLength < 200_000, `${socket.writableLength}`);
});

test("T-42 an HTTP/1.0 client gets none of many interim answers", async (t) => {
  const upstream = await startAnsweringUpstream(t, "HTTP/1.1 102 Processing\r\n\r\n".repeat(120) + FINAL);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  assert.match(await sendRaw(proxy.port, `GET / HTTP/1.0\r\nHost: ${SERVICE}\r\n\r\n`), /^HTTP\/1\.1 200 OK\r\n/);
});
