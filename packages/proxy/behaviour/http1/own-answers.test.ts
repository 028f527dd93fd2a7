/**
 * node:http answers some requests by itself, if nobody does. Here is every way in which it can, and
 * who answers in its place.
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { until } from "@fenceline/api/testing";
import { openSocket, readToEnd, readUntil, sendRaw } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startAnsweringUpstream, startUpstream } from "../../src/testing/upstream.ts";

const HOST = `Host: ${SERVICE}\r\n`;
const CLOSE = "Connection: close\r\n";

interface Refused {
  readonly bytes: string;
  readonly status: number;
  readonly code: string;
  /** What the message says, where the parser has a reason. */
  readonly reason?: RegExp;
}

const malformed = (bytes: string, reason?: RegExp): Refused => ({
  bytes,
  status: 400,
  code: "REQUEST_MALFORMED",
  ...(reason !== undefined && { reason }),
});

const REFUSED: Readonly<Record<string, Refused>> = {
  "no Host (400 by requireHostHeader)": { bytes: `GET / HTTP/1.1\r\n${CLOSE}\r\n`, status: 400, code: "HOST_MALFORMED" },
  "an absolute URL in HTTP/1.0 without Host": { bytes: `GET http://${SERVICE}/ HTTP/1.0\r\n\r\n`, status: 400, code: "HOST_MALFORMED" },
  "CONNECT (closed without a listener)": { bytes: `CONNECT ${SERVICE}:443 HTTP/1.1\r\n${HOST}\r\n`, status: 405, code: "METHOD_REFUSED" },
  "a header beyond the limit (431)": {
    bytes: `GET / HTTP/1.1\r\n${HOST}X-A: ${"a".repeat(70_000)}\r\n\r\n`,
    status: 431,
    code: "HEADER_TOO_LARGE",
  },
  "chunk extensions beyond the limit (413)": malformed(
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n2;${"a=b;".repeat(20_000)}\r\nhi\r\n0\r\n\r\n`,
    /chunk extensions/i,
  ),
  "a field without colon": malformed(`GET / HTTP/1.1\r\n${HOST}Broken\r\n\r\n`, /header/i),
  "T-48 a byte of UTF-8 in the target": malformed(`GET /caf\xc3\xa9 HTTP/1.1\r\n${HOST}\r\n`, /invalid char in url path/i),
  "Content-Length beside Transfer-Encoding": malformed(
    `POST / HTTP/1.1\r\n${HOST}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    /can't be present with/,
  ),
  "a coding that is not chunked": malformed(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip\r\n\r\n`, /transfer-encoding/i),
  "a chunk whose size is no number": malformed(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, /chunk size/i),
  "no version": malformed("GET /\r\n\r\n"),
  "a method that is no token": malformed(`BR@KEN / HTTP/1.1\r\n${HOST}\r\n`, /invalid method/i),
  "the method of HTTP/2's beginning in another request": malformed(`PRI / HTTP/1.1\r\n${HOST}\r\n`, /HTTP\/2 connection preface/i),
  "the beginning of HTTP/2 behind a request (closed without an answer)": malformed(
    `GET / HTTP/1.1\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`,
  ),
  "T-48 a method that nobody registered": { bytes: `LIST / HTTP/1.1\r\n${HOST}\r\n`, status: 501, code: "METHOD_UNKNOWN" },
  "a method in small letters": { bytes: `get / HTTP/1.1\r\n${HOST}\r\n`, status: 501, code: "METHOD_UNKNOWN" },
  "a method that begins like another": { bytes: `LOCK-X / HTTP/1.1\r\n${HOST}\r\n`, status: 501, code: "METHOD_UNKNOWN" },
};

for (const [what, { bytes, status, code, reason }] of Object.entries(REFUSED)) {
  test(`T-45 ${what}: the answer is ours, counted and logged with the client`, async (t) => {
    const upstream = await startUpstream(t, (request) => request.on("error", () => {}).resume());
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const socket = await openSocket(proxy.port);
    const { localPort } = socket;

    socket.write(bytes, "latin1");
    const answers = (await readToEnd(socket)).split(/(?=HTTP\/1\.1 \d{3} )/);

    for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 \d{3} .*\r\nfenceline-error: [A-Z_]+\r\n/s);
    assert.match(answers.at(-1) ?? "", new RegExp(`^HTTP/1.1 ${status} .*fenceline-error: ${code}\r\n`, "s"));
    if (reason !== undefined) assert.match(JSON.parse(answers.at(-1)?.split("\r\n\r\n")[1] ?? "").message, reason);
    await proxy.until(`fenceline_proxy_requests_total{outcome="${code}"}`, 1);
    const line = proxy.log.findLast((candidate) => candidate.code === code) ?? assert.fail("no line");
    assert.equal(line.client, `127.0.0.1:${localPort}`);
    if (reason !== undefined) assert.match(String(line.cause), /^HPE_[A-Z_]+: /);
  });
}

for (const [what, expectation] of [
  ["nobody has heard of", "x"],
  ["is empty", ""],
  ["is two, one of them unknown", "100-continue, x"],
] as const) {
  test(`T-45 an expectation that ${what} is the destination's to judge, not node:http's`, async (t) => {
    const upstream = await startAnsweringUpstream(t, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const answer = await sendRaw(proxy.port, `GET / HTTP/1.1\r\n${HOST}${CLOSE}Expect: ${expectation}\r\n\r\n`);

    assert.match(answer, /^HTTP\/1\.1 417 Expectation Failed\r\n/);
    assert.doesNotMatch(answer, /fenceline-error/);
    assert.match(await upstream.received("\r\n\r\n"), new RegExp(`\r\nexpect: ${expectation}\r\n`, "i"));
  });
}

test("T-45 an unknown expectation does not get past the policy", async (t) => {
  const proxy = await startProxy(t, {});
  const answer = await sendRaw(proxy.port, `GET / HTTP/1.1\r\nHost: www.example.com\r\n${CLOSE}Expect: x\r\n\r\n`);
  assert.match(answer, /^HTTP\/1\.1 421 .*fenceline-error: HOST_NOT_SERVED\r\n/s);
});

for (const [what, bytes] of [
  ["a header that does not end", `GET / HTTP/1.1\r\n${HOST}`],
  ["the first bytes of HTTP/2 and no more", "PRI * HT"],
] as const) {
  test(`T-45 ${what} (408): the answer is ours`, async (t) => {
    const proxy = await startProxy(t, {}, { listener: { headersTimeout: 200 } });
    assert.match(await sendRaw(proxy.port, bytes), /^HTTP\/1\.1 408 .*fenceline-error: REQUEST_TIMED_OUT\r\n/s);
    await proxy.until('fenceline_proxy_requests_total{outcome="REQUEST_TIMED_OUT"}', 1);
  });
}

test("T-45 CONNECT behind a request that is being answered is refused in its turn", async (t) => {
  let finish = () => {};
  const upstream = await startUpstream(t, (_request, response) => {
    response.write("first ");
    finish = () => response.end("second");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const socket = await openSocket(proxy.port);

  socket.write(`GET / HTTP/1.1\r\n${HOST}\r\nCONNECT ${SERVICE}:443 HTTP/1.1\r\n${HOST}\r\n`);
  const begun = await readUntil(socket, "first ");
  const rest = readToEnd(socket);
  finish();

  assert.match(begun + (await rest), /^HTTP\/1\.1 200 .*first .*second\r\n0\r\n\r\nHTTP\/1\.1 405 .*fenceline-error: METHOD_REFUSED/s);
});

for (const [what, bytes] of [
  ["a header", `GET / HTTP/1.1\r\n${HOST}X-A: `],
  ["the first bytes of HTTP/2", "PRI * HT"],
  ["a ClientHello", "\x16\x03\x01\x00\xff\x01"],
] as const) {
  test(`T-45 a client that leaves in the midst of ${what} is logged`, async (t) => {
    const proxy = await startProxy(t, {}, { logLevel: "debug" });
    const socket = await openSocket(proxy.port);
    const { localPort } = socket;
    socket.end(bytes, "latin1");
    await once(socket.resume(), "close");

    const isLine = ({ msg }: Record<string, unknown>) => msg === "client left before its request was complete";
    const line = await until(() => proxy.log.find(isLine));
    assert.equal(line.client, `127.0.0.1:${localPort}`);
  });
}

test("T-45 bytes behind a request that are none are refused behind its answer and counted", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("answer"));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  assert.match(await sendRaw(proxy.port, `GET / HTTP/1.1\r\n${HOST}\r\n\0\0\0`), /^HTTP\/1\.1 200 .*answerHTTP\/1\.1 400 /s);
  await proxy.until('fenceline_proxy_requests_total{outcome="REQUEST_MALFORMED"}', 1);

  assert.match(await sendRaw(proxy.port, `GET / HTTP/1.1\r\n${HOST}${CLOSE}\r\nGET /other`), /^HTTP\/1\.1 200 .*answer$/s);
  await proxy.until('fenceline_proxy_requests_total{outcome="2xx"}', 2);
  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="REQUEST_MALFORMED"}'), 1);
});
