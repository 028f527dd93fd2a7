import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { call, openSocket, readUntil, refusalOf, sendRaw } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startAnsweringUpstream, startRawUpstream, startUpstream, unusedPort } from "../../src/testing/upstream.ts";

test("E1-16 B2.1-05 a destination that refuses the connection gives 502", async (t) => {
  const proxy = await startProxy(t, { [SERVICE]: [await unusedPort()] });

  const answer = await call(proxy.port);

  assert.equal(answer.status, 502);
  assert.equal(refusalOf(answer).code, "CONNECT_FAILED");
  assert.equal(await proxy.metric("fenceline_proxy_upstream_connect_failures_total"), 3);
  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="CONNECT_FAILED"}'), 1);
});

test("E1-16 a destination that resets before it answers gives 502, and a POST is not sent again", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => socket.resetAndDestroy());
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await call(proxy.port, { method: "POST", body: "x" });

  assert.equal(answer.status, 502);
  assert.equal(refusalOf(answer).code, "UPSTREAM_RESET");
  assert.equal(upstream.connections(), 1);
});

test("E1-16 a destination that closes in the midst of its header gives 502", async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Le"));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  assert.equal((await call(proxy.port)).status, 502);
});

for (const [what, answer] of Object.entries({
  "no HTTP": "220 smtp.example ESMTP\r\n\r\n",
  "Content-Length and Transfer-Encoding": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "a coding besides chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
  "a switch of protocols that nobody asked for": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
  "a body in the chunked coding with HTTP/1.0": "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "Content-Length twice": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
  "a Content-Length that is a list": "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx",
  "a folded line behind the status line": "HTTP/1.1 200 OK\r\n X-A: 1\r\nContent-Length: 0\r\n\r\n",
  "a folded Content-Length": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\n",
  "a space before a colon": "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
  "a bare carriage return": "HTTP/1.1 200 OK\r\nX-A: a\rb\r\nContent-Length: 0\r\n\r\n",
  "NUL in a field": "HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 0\r\n\r\n",
  "no status": "HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n",
  "another version": "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
  "a header beyond 64 KiB": `HTTP/1.1 200 OK\r\nX-Big: ${"x".repeat(70_000)}\r\n\r\n`,
})) {
  test(`E1-16 a destination that answers ${what} gives 502`, async (t) => {
    const upstream = await startAnsweringUpstream(t, answer);
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    assert.equal((await call(proxy.port)).status, 502);
  });
}

test("E1-16 B2.1-04 a destination that does not answer in the time configured gives 504", async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { upstream: { headersTimeout: 100 } });

  const answer = await call(proxy.port);

  assert.equal(answer.status, 504);
  assert.equal(refusalOf(answer).code, "UPSTREAM_TIMED_OUT");
});

for (const [how, head] of Object.entries({
  "with Content-Length": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
  chunked: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
})) {
  test(`E1-16 an answer (${how}) that breaks off never looks complete`, async (t) => {
    const upstream = await startRawUpstream(t, (socket) => {
      socket.once("data", () => socket.write(head, () => setImmediate(() => socket.destroy())));
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const received = await sendRaw(proxy.port, `GET / HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`);

    assert.ok(!received.endsWith("0\r\n\r\n"), received);
    assert.ok(received.length < 200);
    assert.equal(await proxy.metric("fenceline_proxy_upstream_broken_answers_total"), 1);
  });
}

for (const [how, head] of [
  ["chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"],
  ["that ends with its connection", "HTTP/1.1 200 OK\r\n\r\nhalf"],
] as const) {
  test(`T-41 an answer (${how}) that breaks off resets an HTTP/1.0 client, which would take an end for that of the answer`, async (t) => {
    const asked = Promise.withResolvers<Socket>();
    const upstream = await startRawUpstream(t, (socket) => {
      socket.once("data", () => socket.write(head, () => asked.resolve(socket)));
    });
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    const client = await openSocket(proxy.port);
    client.write(`GET / HTTP/1.0\r\nHost: ${SERVICE}\r\n\r\n`);
    await readUntil(client, "half");
    const failed = once(client, "error");

    (await asked.promise).resetAndDestroy();

    assert.equal((await failed)[0].code, "ECONNRESET");
  });
}

test("E1-16 bytes after an answer do not become the next one", async (t) => {
  const answers = ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"];
  const upstream = await startRawUpstream(t, (socket) => {
    socket.on("data", () => socket.write(answers.shift() ?? "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  assert.equal((await call(proxy.port)).body.toString(), "ok");
  assert.equal((await call(proxy.port)).body.toString(), "good");
});

test("an error answer of the destination is relayed as it is", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => {
    response.writeHead(503, { "retry-after": "7" }).end("busy");
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await call(proxy.port);

  assert.equal(answer.status, 503);
  assert.equal(answer.headers["fenceline-error"], undefined);
  assert.equal(answer.headers["retry-after"], "7");
  assert.equal(answer.body.toString(), "busy");
});

test("a failure is logged once, a success not at all", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end());
  const dead = await unusedPort();
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port], "reviews.bookinfo.svc.cluster.local": [dead] });

  await call(proxy.port);
  await call(proxy.port, { host: "reviews.bookinfo.svc.cluster.local" });

  assert.equal(proxy.log.length, 1);
  const { level, code, status, authority, source, endpoint } = proxy.log[0] ?? {};
  assert.deepEqual(
    { level, code, status, authority, source, endpoint },
    {
      level: 40,
      code: "CONNECT_FAILED",
      status: 502,
      authority: "reviews.bookinfo.svc.cluster.local",
      source: "bookinfo/productpage",
      endpoint: `http://127.0.0.1:${dead}`,
    },
  );
});
