import assert from "node:assert/strict";
import { test } from "node:test";
import { sendRaw } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const HEAD = `POST / HTTP/1.1\r\nHost: ${SERVICE}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n`;

test("E1-10 request trailers reach the destination, and are announced as the client announced them", async (t) => {
  const upstream = await startUpstream(t, async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    response.end(JSON.stringify({ body, trailer: request.headers.trailer, trailers: request.rawTrailers }));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await sendRaw(proxy.port, `${HEAD}Trailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-Sum: 2\r\n\r\n`);

  assert.ok(answer.includes('{"body":"abc","trailer":"X-Sum","trailers":["X-Sum","1","X-Sum","2"]}'), answer);
});

test("E1-04 request trailers that frame, route or authenticate stay behind", async (t) => {
  const upstream = await startUpstream(t, async (request, response) => {
    await request.toArray();
    response.end(JSON.stringify(request.rawTrailers));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const forbidden = "Host: a\r\nAuthorization: x\r\nslime-orig-dest: 1.2.3.4:5\r\nTE: x\r\nUpgrade: h2c\r\n";
  const answer = await sendRaw(proxy.port, `${HEAD}\r\n0\r\n${forbidden}X-Kept: 1\r\n\r\n`);

  assert.ok(answer.includes('["X-Kept","1"]'), answer);
});

test("E1-04 a trailer that would frame the body gets 400, and the destination never sees the request as complete", async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    request.on("end", () => response.end("complete")).on("error", () => {});
    request.resume();
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await sendRaw(proxy.port, `${HEAD}\r\n0\r\nContent-Length: 9\r\n\r\n`);

  assert.match(answer, /^HTTP\/1\.1 400 /);
});
