import assert from "node:assert/strict";
import { test } from "node:test";
import { openSocket, readToEnd, readUntil, sendRaw } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const HOST = `Host: ${SERVICE}\r\n`;
const NOT_HTTP = /^HTTP\/1\.1 400 .*fenceline-error: REQUEST_MALFORMED\r\n.*the request is not HTTP\/1\.1/s;

const OTHERS: Readonly<Record<string, string>> = {
  ICE: `SOURCE /live ICE/1.0\r\n${HOST}\r\n`,
  "a version of ICE that there is not": `SOURCE /live ICE/1.1\r\n${HOST}\r\n`,
  "RTSP with GET": `GET /live RTSP/1.0\r\n${HOST}CSeq: 1\r\n\r\n`,
  "RTSP with POST": `POST /live RTSP/1.0\r\n${HOST}Content-Length: 2\r\n\r\nhi`,
  "RTSP with OPTIONS and an asterisk": `OPTIONS * RTSP/1.0\r\n${HOST}\r\n`,
  "RTSP with a method of its own": `DESCRIBE rtsp://${SERVICE}/live RTSP/1.0\r\n${HOST}\r\n`,
  "RTSP 2.0": `PLAY_NOTIFY /live RTSP/2.0\r\n${HOST}\r\n`,
  "RTSP 1.1": `GET  /live  RTSP/1.1\r\n${HOST}\r\n`,
  "RTSP that asks for an upgrade": `GET /live RTSP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  "an empty line and RTSP": `\r\nGET /live RTSP/1.0\r\n${HOST}\r\n`,
};

for (const [what, bytes] of Object.entries(OTHERS)) {
  test(`T-45 ${what} is no HTTP/1.1`, async (t) => {
    let seen = 0;
    const upstream = await startUpstream(t, (_request, response) => {
      seen += 1;
      response.end();
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    assert.match(await sendRaw(proxy.port, bytes), /^HTTP\/1\.1 400 .*fenceline-error: REQUEST_MALFORMED\r\n/s);
    assert.equal(seen, 0);
  });
}

for (const [what, bytes] of [
  ["behind a request in one piece", `GET / HTTP/1.1\r\n${HOST}\r\nSOURCE /live ICE/1.0\r\n${HOST}\r\n`],
  ["behind HTTP/1.0 in one piece", `GET / HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n\r\nGET /live RTSP/1.0\r\n${HOST}\r\n`],
] as const) {
  test(`T-45 another protocol ${what} is refused in its turn`, async (t) => {
    const upstream = await startUpstream(t, (_request, response) => response.end("answer"));
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const [first, second] = (await sendRaw(proxy.port, bytes)).split("answer");
    assert.match(first ?? "", /^HTTP\/1\.1 200 /);
    assert.match(second ?? "", NOT_HTTP);
  });
}

for (const [what, line, field] of [
  ["RTSP", "GET /live RTSP/1.0", "CSeq: 1"],
  ["ICE", "SOURCE /live ICE/1.0", "ice-name: x"],
] as const) {
  test(`T-45 ${what} whose line came in a piece of its own is known by its fields`, async (t) => {
    const proxy = await startProxy(t, {});
    const socket = await openSocket(proxy.port);
    for (const piece of [`${line}\r\n`, HOST, `${field}\r\n\r\n`]) {
      await new Promise<void>((resolve) => socket.write(piece, () => setImmediate(resolve)));
    }
    assert.match(await readToEnd(socket), NOT_HTTP);
  });
}

test("T-45 HTTP with the same methods, versions and fields goes on, in one piece or several", async (t) => {
  const upstream = await startUpstream(t, (request, response) => response.end(`${request.method} ${request.url}.`));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  for (const line of ["SOURCE /live HTTP/1.0", "SOURCE /live HTTP/1.1", "OPTIONS /live HTTP/1.1", "GET /live HTTP/1.0"]) {
    const wanted = `${line.replace(/ HTTP.*/, "")}.`;
    const socket = await openSocket(proxy.port);
    t.after(() => socket.destroy());
    socket.write(`${line}\r\n${HOST}CSeq: 1\r\nIce-Name: x\r\nConnection: keep-alive\r\n\r\n`);
    assert.match(await readUntil(socket, wanted), /^HTTP\/1\.1 200 /);
    for (const piece of [line, `\r\n${HOST}`, "\r\n"]) {
      await new Promise<void>((resolve) => socket.write(piece, () => setImmediate(resolve)));
    }
    assert.match(await readUntil(socket, wanted), /^HTTP\/1\.1 200 /);
  }
});

test("T-10 thousands of requests in one piece that may be of another protocol take little more time than others", async (t) => {
  const proxy = await startProxy(t, {});
  const times: number[] = [];
  // The first ones are for the compiler.
  for (const method of ["GET", "OPTIONS", "GET", "OPTIONS"]) times.push(await millisecondsFor(proxy.port, `${method} / HTTP/1.1\r\n`));
  const [, , usual = 0, looked = 0] = times;
  assert.ok(looked < 3 * usual + 100, `${looked} ms, and ${usual} ms for requests that nobody looks at`);
});

/** Processor time for as many requests as one read brings, each of which is refused at once. */
async function millisecondsFor(port: number, line: string): Promise<number> {
  const request = `${line}Host: a..b\r\n\r\n`;
  const last = "GET /last HTTP/1.1\r\nHost: a..b\r\nConnection: close\r\n\r\n";
  const before = process.cpuUsage();
  const answers = await sendRaw(port, request.repeat(Math.floor(65_000 / request.length)) + last);
  assert.ok(answers.split("HOST_MALFORMED").length > 1_000);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
