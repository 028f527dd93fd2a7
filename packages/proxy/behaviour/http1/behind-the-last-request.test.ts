import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { call, openSocket, readToEnd, readUntil, sendRaw } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startRawUpstream, startUpstream } from "../../src/testing/upstream.ts";

const HOST = `Host: ${SERVICE}\r\n`;

/** Good requests, with something behind each that is not to be looked at. */
const ANSWERED: Readonly<Record<string, string>> = {
  "bytes behind Connection: close that are no request": `GET /good HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n\0\0\0`,
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

/** What may stand behind a good request, and how it is refused. */
const BAD: Readonly<Record<string, [bytes: string, status: number, code: string]>> = {
  "bytes that are no request": ["\0\0\0", 400, "REQUEST_MALFORMED"],
  "a word": ["GARBAGE\r\n\r\n", 400, "REQUEST_MALFORMED"],
  "a method that nobody registered": [`LIST /bad HTTP/1.1\r\n${HOST}\r\n`, 501, "METHOD_UNKNOWN"],
  "a length beside a coding": [
    `POST /bad HTTP/1.1\r\n${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    400,
    "REQUEST_MALFORMED",
  ],
  "a header beyond the limit": [`GET /bad HTTP/1.1\r\n${HOST}X-A: ${"a".repeat(70_000)}\r\n\r\n`, 431, "HEADER_TOO_LARGE"],
};

for (const [what, [bad, status, code]] of Object.entries(BAD)) {
  for (const [ended, end] of [
    ["", (socket: Socket, bytes: string) => void socket.write(bytes, "latin1")],
    [" whose client has ended its side", (socket: Socket, bytes: string) => void socket.end(bytes, "latin1")],
  ] as const) {
    test(`T-45 T-48 ${what} behind requests in one piece${ended} is refused behind their answers, and logged once`, async (t) => {
      const upstream = await startUpstream(t, ({ url }, response) => response.end(`answer to ${url}`));
      const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
      const socket = await openSocket(proxy.port);

      end(socket, `GET /one HTTP/1.1\r\n${HOST}\r\nGET /two HTTP/1.1\r\n${HOST}\r\n${bad}`);
      const answers = (await readToEnd(socket)).split(/(?=HTTP\/1\.1 \d{3} )/);

      assert.deepEqual(
        answers.map((answer) => Number(answer.slice(9, 12))),
        [200, 200, status],
      );
      assert.match(answers[1] ?? "", /answer to \/two$/);
      assert.doesNotMatch(`${answers[0]}${answers[1]}`, /connection: close/i);
      assert.match(answers[2] ?? "", new RegExp(`fenceline-error: ${code}\r\n.*connection: close\r\n`, "s"));
      await proxy.until(`fenceline_proxy_requests_total{outcome="${code}"}`, 1);
      assert.equal(proxy.log.filter((line) => line.code === code).length, 1);
    });
  }
}

for (const [what, close] of [
  ["the client", "Connection: close\r\n"],
  ["a refusal", "Slime-Orig-Dest: x\r\nTransfer-Encoding: gzip, chunked\r\n"],
] as const) {
  test(`T-45 bytes behind a request whose answer closes the connection for ${what} are neither answered nor logged as refused`, async (t) => {
    const upstream = await startUpstream(t, (_request, response) => response.end("answer"));
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const body = close.includes("chunked") ? "0\r\n\r\n" : "";

    const text = await sendRaw(proxy.port, `POST / HTTP/1.1\r\n${HOST}${close}\r\n${body}LIST /bad HTTP/1.1\r\n${HOST}\r\n`);

    assert.equal(text.match(/HTTP\/1\.1 \d{3} /g)?.length, 1);
    assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="METHOD_UNKNOWN"}'), 0);
    assert.equal(
      proxy.log.some(({ code }) => code === "METHOD_UNKNOWN"),
      false,
    );
  });
}

test("T-45 a fault behind a request whose answer breaks off is not logged as refused", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const text = await sendRaw(proxy.port, `GET / HTTP/1.1\r\n${HOST}\r\nGARBAGE\r\n\r\n`);

  assert.match(text, /^HTTP\/1\.1 200 .*half$/s);
  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="REQUEST_MALFORMED"}'), 0);
});

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

/** Malformed requests whose end node:http's parser knows anyway, or thinks it does. */
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
