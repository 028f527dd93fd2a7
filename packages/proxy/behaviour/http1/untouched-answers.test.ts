import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { until } from "@fenceline/api/testing";
import { call, openSocket } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startAnsweringUpstream, startRawUpstream, startUpstream } from "../../src/testing/upstream.ts";

test("E1-21 B2.1-02 a redirect is relayed, not followed", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => {
    response.writeHead(302, { location: "http://elsewhere.example/x" }).end();
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await call(proxy.port);

  assert.equal(answer.status, 302);
  assert.equal(answer.headers.location, "http://elsewhere.example/x");
  assert.equal(upstream.connections(), 1);
});

test("E1-21 B2.1-13 an encoded body is relayed as it is, and no encoding is asked for", async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(String(request.headers["accept-encoding"])));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await call(proxy.port);

  assert.equal(answer.headers["content-encoding"], "gzip");
  assert.equal(gunzipSync(answer.body).toString(), "undefined");
});

test("E1-21 status, reason, case, order and duplicates are kept, and nothing is made up", async (t) => {
  const upstream = await startAnsweringUpstream(
    t,
    "HTTP/1.1 418 Short And Stout\r\nSet-Cookie: a=1\r\nX-Mixed: \u00e9\r\nset-cookie: b=2\r\nEmpty:\r\nContent-Length: 3\r\n\r\ntea",
  );
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await call(proxy.port);

  assert.equal(answer.status, 418);
  assert.equal(answer.reason, "Short And Stout");
  assert.deepEqual(answer.rawHeaders, [
    ...["Set-Cookie", "a=1", "X-Mixed", "\u00e9", "set-cookie", "b=2", "Empty", "", "Content-Length", "3"],
    ...["Connection", "close"],
  ]);
  assert.equal(answer.body.toString(), "tea");
});

test("an answer that ends with its connection is relayed in full", async (t) => {
  const upstream = await startUpstream(t, (request, response) => {
    response.removeHeader("transfer-encoding");
    request.socket.end("HTTP/1.1 200 OK\r\n\r\nuntil the end");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await call(proxy.port);

  assert.equal(answer.body.toString(), "until the end");
});

const BEYOND_ASCII = 'attachment; filename="r\xe9sum\xc3\xa9.pdf"';
/** Pieces of an answer, each of which the caller has before the next is sent. */
const IN_PIECES: Readonly<Record<string, readonly string[]>> = {
  "whose body comes later": [`HTTP/1.1 200 OK\r\nContent-Disposition: ${BEYOND_ASCII}\r\nContent-Length: 4\r\n\r\n`, "body"],
  "whose first chunk comes later": [
    `HTTP/1.1 200 OK\r\nContent-Disposition: ${BEYOND_ASCII}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    "4\r\nbody\r\n0\r\n\r\n",
  ],
  "that is interim": [
    `HTTP/1.1 103 Early Hints\r\nContent-Disposition: ${BEYOND_ASCII}\r\n\r\n`,
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
  ],
  "in one piece": [`HTTP/1.1 200 OK\r\nContent-Disposition: ${BEYOND_ASCII}\r\nContent-Length: 4\r\n\r\nbody`],
};

for (const [what, pieces] of Object.entries(IN_PIECES)) {
  test(`T-48 bytes beyond ASCII in a field of an answer ${what} arrive as they are`, async (t) => {
    let received = "";
    const upstream = await startRawUpstream(t, async (socket) => {
      await once(socket, "data");
      for (const piece of pieces) {
        socket.write(piece, "latin1");
        await until(() => received.includes(piece.slice(0, piece.indexOf("\r\n"))));
      }
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const client = await openSocket(proxy.port);
    t.after(() => client.destroy());
    client.on("data", (data) => {
      received += data.toString("latin1");
    });

    client.write(`GET / HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`);
    await until(() => received.includes("body"));

    assert.ok(received.includes(`\r\nContent-Disposition: ${BEYOND_ASCII}\r\n`), received);
  });
}
