import assert from "node:assert/strict";
import { test } from "node:test";
import { sendRaw } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const HOST = `Host: ${SERVICE}\r\n`;

/**
 * Each is refused with 400, and the connection closes, because nobody can say where the next
 * request begins.
 */
const MALFORMED: Readonly<Record<string, string>> = {
  "Content-Length twice": `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
  "Content-Length with a sign": `POST / HTTP/1.1\r\n${HOST}Content-Length: +5\r\n\r\nhello`,
  "Content-Length as a list": `POST / HTTP/1.1\r\n${HOST}Content-Length: 5, 5\r\n\r\nhello`,
  "a negative Content-Length": `POST / HTTP/1.1\r\n${HOST}Content-Length: -5\r\n\r\nhello`,
  "a Content-Length beyond 64 bits": `POST / HTTP/1.1\r\n${HOST}Content-Length: 99999999999999999999\r\n\r\nhello`,
  "a transfer coding that is not chunked": `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  "chunked not as the last coding": `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  "a folded field": `GET / HTTP/1.1\r\n${HOST}X-A: 1\r\n 2\r\n\r\n`,
  "a space before the colon": `GET / HTTP/1.1\r\n${HOST}X-A : 1\r\n\r\n`,
  "NUL in a value": `GET / HTTP/1.1\r\n${HOST}X-A: a\0b\r\n\r\n`,
  "a bare CR in a value": `GET / HTTP/1.1\r\n${HOST}X-A: a\rb: c\r\n\r\n`,
  "a bad chunk size": `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n`,
  "no version": `GET /\r\n\r\n`,
  "version 0.9 with a Host": `GET /\r\n${HOST}\r\n`,
  "version 2.0": `GET / HTTP/2.0\r\n${HOST}\r\n`,
  "a path that is not ASCII": `GET /\u00e9 HTTP/1.1\r\n${HOST}\r\n`,
  "an unknown method": `BR@KEN / HTTP/1.1\r\n${HOST}\r\n`,
};

for (const [what, bytes] of Object.entries(MALFORMED)) {
  test(`E1-03 ${what} gets 400 and the connection closes`, async (t) => {
    const upstream = await startUpstream(t, async (request, response) => {
      await request.toArray().catch(() => []);
      response.end();
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const answer = await sendRaw(proxy.port, bytes);

    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(answer, /fenceline-error: REQUEST_MALFORMED\r\n/);
    assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="2xx"}'), 0);
  });
}

test("E1-03 a transfer coding before chunked gets 400: it could not be taken off", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await sendRaw(
    proxy.port,
    `POST / HTTP/1.1\r\n${HOST}Connection: close\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  );

  assert.match(answer, /^HTTP\/1\.1 400 /);
  assert.equal(upstream.connections(), 0);
});
