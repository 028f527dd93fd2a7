import assert from "node:assert/strict";
import { test } from "node:test";
import { call, openSocket, readToEnd, readUntil, sendRaw } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const HOST = `Host: ${SERVICE}\r\n`;

/** Good requests, with something behind each that is not to be looked at. */
const ANSWERED: Readonly<Record<string, string>> = {
  "bytes that are no request": `GET /good HTTP/1.1\r\n${HOST}\r\n\0\0\0`,
  "a request behind Connection: close": `GET /good HTTP/1.1\r\n${HOST}Connection: close\r\n\r\nGET /other HTTP/1.1\r\n${HOST}\r\n`,
  "a request behind an upgrade that is not granted": `GET /good HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\nGET /other HTTP/1.1\r\n${HOST}\r\n`,
  "a request behind HTTP/1.0": `GET /good HTTP/1.0\r\n${HOST}\r\nGET /other HTTP/1.1\r\n${HOST}\r\n`,
};

for (const [what, bytes] of Object.entries(ANSWERED)) {
  test(`E1-18 ${what}: the request before it is answered, and the connection closes`, async (t) => {
    const seen: (string | undefined)[] = [];
    const upstream = await startUpstream(t, ({ url }, response) => {
      seen.push(url);
      response.end("answer");
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const text = await sendRaw(proxy.port, bytes);

    assert.match(text, /^HTTP\/1\.1 200 .*\r\n\r\nanswer$/s);
    assert.deepEqual(seen, ["/good"]);
  });
}

test("E1-18 a request that breaks off behind one that is being answered is refused in its turn", async (t) => {
  let finish = () => {};
  const seen: (string | undefined)[] = [];
  const upstream = await startUpstream(t, ({ url }, response) => {
    seen.push(url);
    response.write("first ");
    finish = () => response.end("second");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);

  socket.write(`GET /good HTTP/1.1\r\n${HOST}\r\n`);
  const begun = await readUntil(socket, "first ");
  socket.write(`POST /bad HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`);
  const rest = readToEnd(socket);
  // Answered after the proxy has read what was sent before.
  await call(proxy.port, { host: "none.bookinfo" });
  finish();

  assert.match(begun + (await rest), /^HTTP\/1\.1 200 .*first .*second\r\n0\r\n\r\nHTTP\/1\.1 400 /s);
  assert.deepEqual(seen, ["/good"]);
});

/** Malformed requests whose end node:http's parser knows all the same, or thinks it does. */
const REFUSED: Readonly<Record<string, string>> = {
  "chunked in HTTP/1.0": `POST / HTTP/1.0\r\n${HOST}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  "a coding before chunked": `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  "an asterisk as the target of GET": `GET * HTTP/1.1\r\n${HOST}\r\n`,
};

for (const [what, bytes] of Object.entries(REFUSED)) {
  test(`E1-03 ${what} gets 400, and what stands behind it is not taken for a request`, async (t) => {
    let seen = 0;
    const upstream = await startUpstream(t, (_request, response) => {
      seen += 1;
      response.end();
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const text = await sendRaw(proxy.port, `${bytes}GET /smuggled HTTP/1.1\r\n${HOST}\r\n`);

    assert.match(text, /^HTTP\/1\.1 400 .*connection: close\r\n/s);
    assert.equal(text.match(/HTTP\/1\.1 /g)?.length, 1);
    assert.equal(seen, 0);
  });
}
