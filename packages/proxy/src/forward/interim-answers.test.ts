import assert from "node:assert/strict";
import { test } from "node:test";
import { sendRaw } from "../testing/client.ts";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";
import { startAnsweringUpstream } from "../testing/upstream.ts";

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
