import assert from "node:assert/strict";
import { test } from "node:test";
import { toolPath } from "../../../../scripts/tools/tools.mjs";
import { startEnvoyTo } from "../../conformance/servers.ts";
import { sendRaw } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startAnsweringUpstream, startRawUpstream } from "../../src/testing/upstream.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const HOST = `Host: ${SERVICE}\r\nConnection: close\r\n`;
const GET = `GET / HTTP/1.1\r\n${HOST}\r\n`;

/** Forms that say a number, and the ten bytes that follow. */
const PLAIN = ["010", "0010", "00000000000000000010", `${"0".repeat(300)}10`, "10 ", "\t10"];

/**
 * Forms that do not, or say two. RFC 9110 §8.6 allows to take two equal ones for one; llhttp, Envoy
 * and we do not.
 */
const IN_DOUBT = [
  "+10",
  "-10",
  "10, 10",
  "10\r\nContent-Length: 10",
  "10\r\nContent-Length: 11",
  "0xa",
  "1e1",
  "99999999999999999999",
  "",
  "1 0",
];

const request = (length: string) => `POST / HTTP/1.1\r\n${HOST}Content-Length: ${length}\r\n\r\n0123456789`;
const answerOf = (length: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n0123456789`;

/** How a text is named in a test's name. */
const named = (length: string) => JSON.stringify(length.length > 40 ? `${length.slice(0, 3)}…` : length);

for (const length of PLAIN) {
  test(`T-48 a request's Content-Length ${named(length)} goes on as 10, without zeros or blanks around it (RFC 9110 §8.6)`, async (t) => {
    const upstream = await startAnsweringUpstream(t, OK);
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    assert.match(await sendRaw(proxy.port, request(length)), /^HTTP\/1\.1 200 /);

    assert.match(await upstream.received("0123456789"), /\r\nContent-Length: 10\r\n(.+\r\n)*\r\n0123456789$/);
  });

  test(`T-48 an answer's Content-Length ${named(length)} goes on as 10`, async (t) => {
    const upstream = await startAnsweringUpstream(t, answerOf(length));
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    assert.match(await sendRaw(proxy.port, GET), /\r\nContent-Length: 10\r\n(.+\r\n)*\r\n0123456789$/);
  });
}

for (const length of IN_DOUBT) {
  test(`T-48 a request's Content-Length ${named(length)} gets 400, and nothing of it goes on`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    assert.match(await sendRaw(proxy.port, request(length)), /^HTTP\/1\.1 400 .*\r\nfenceline-error: REQUEST_MALFORMED\r\n/s);

    assert.equal(upstream.connections(), 0);
  });

  test(`T-48 an answer's Content-Length ${named(length)} is a 502`, async (t) => {
    const upstream = await startAnsweringUpstream(t, answerOf(length));
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    assert.match(await sendRaw(proxy.port, GET), /^HTTP\/1\.1 502 .*\r\nfenceline-error: UPSTREAM_INVALID\r\n/s);
  });
}

test("T-48 a length of zeros is one zero, and the request has no body", async (t) => {
  const upstream = await startAnsweringUpstream(t, OK);
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  await sendRaw(proxy.port, `POST / HTTP/1.1\r\n${HOST}Content-Length: 000\r\n\r\n`);

  assert.match(await upstream.received("\r\n\r\n"), /\r\nContent-Length: 0\r\n/);
});

test("T-48 Envoy takes zeros in front of a length, too, and passes them on", {
  skip: toolPath("envoy") === undefined && process.env.CI !== "true" && "no Envoy here: npm test could not install it",
}, async (t) => {
  const upstream = await startAnsweringUpstream(t, answerOf("010"));
  const port = await startEnvoyTo(t, toolPath("envoy") ?? "envoy", upstream.port);

  assert.match(await sendRaw(port, GET), /\r\ncontent-length: 010\r\n/);
});
