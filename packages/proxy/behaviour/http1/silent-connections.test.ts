/**
 * Clients that connect before they have something to ask: pools and browsers that preconnect.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@fenceline/api/testing";
import { call, openSocket, readToEnd, readUntil, sendRaw } from "../../src/testing/client.ts";
import { type ProxyUnderTest, SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const REQUEST = `GET / HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`;
const OVERDUE = 'fenceline_proxy_requests_total{outcome="REQUEST_TIMED_OUT"}';

/** Resolves when headers that began before now are overdue, and were looked for. */
async function untilOverdue({ port }: ProxyUnderTest): Promise<void> {
  // One by the server's own clock, one by that of what may still become HTTP/2.
  for (const beginning of ["GET / HT", "PRI * HT"]) assert.match(await sendRaw(port, beginning), /^HTTP\/1\.1 408 /);
}

for (const [what, before] of [
  ["nothing", []],
  ["an empty line", ["\r\n"]],
  ["empty lines in pieces", ["\r", "\n", "\n\r\n"]],
] as const) {
  test(`T-45 a client that has sent ${what} for longer than a header may take hears nothing, and its request is answered`, async (t) => {
    const upstream = await startUpstream(t, (_request, response) => response.end("answer"));
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { listener: { headersTimeout: 100 } });
    const socket = await openSocket(proxy.port);
    t.after(() => socket.destroy());
    for (const piece of before) await new Promise<void>((resolve) => socket.write(piece, () => setImmediate(resolve)));

    await untilOverdue(proxy);
    socket.write(REQUEST);

    assert.match(await readUntil(socket, "answer"), /^HTTP\/1\.1 200 /);
    assert.equal(await proxy.metric(OVERDUE), 2);
  });

  test(`T-45 a client that sends ${what} behind an answered request hears nothing until its next one`, async (t) => {
    const upstream = await startUpstream(t, (_request, response) => response.end("answer"));
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { listener: { headersTimeout: 100 } });
    const socket = await openSocket(proxy.port);
    t.after(() => socket.destroy());
    socket.write(REQUEST);
    await readUntil(socket, "answer");
    for (const piece of before) await new Promise<void>((resolve) => socket.write(piece, () => setImmediate(resolve)));

    await untilOverdue(proxy);
    socket.write(REQUEST);

    assert.match(await readUntil(socket, "answer"), /^HTTP\/1\.1 200 /);
  });

  test(`T-45 a client that has sent ${what} is closed as an idle one, without a word`, async (t) => {
    const proxy = await startProxy(t, {}, { listener: { keepAliveTimeout: 100 } });
    const socket = await openSocket(proxy.port);
    for (const piece of before) socket.write(piece);

    assert.equal(await readToEnd(socket), "");
    assert.equal(await proxy.metric(OVERDUE), 0);
  });
}

test("T-45 the time for a header begins with its first byte, however old the connection is", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("answer"));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { listener: { headersTimeout: 300 } });
  const [prompt, slow] = [await openSocket(proxy.port), await openSocket(proxy.port)];
  t.after(() => prompt.destroy());
  await untilOverdue(proxy);

  // May still become HTTP/2.
  prompt.write("P");
  await call(proxy.port);
  prompt.write(`OST / HTTP/1.1\r\nHost: ${SERVICE}\r\nContent-Length: 0\r\n\r\n`);
  assert.match(await readUntil(prompt, "answer"), /^HTTP\/1\.1 200 /);

  slow.write("P");
  assert.match(await readToEnd(slow), /^HTTP\/1\.1 408 .*fenceline-error: REQUEST_TIMED_OUT\r\n/s);
});

test("T-45 HTTP/2 and TLS do not begin with an empty line", async (t) => {
  const proxy = await startProxy(t, {});
  for (const bytes of ["\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\r\n\x16\x03\x01\0\x05"]) {
    assert.match(await sendRaw(proxy.port, bytes), /^HTTP\/1\.1 400 .*fenceline-error: REQUEST_MALFORMED\r\n/s);
  }
});

test("T-45 where connections are scarce, one that has said nothing for longer than a header may take makes room", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end("answer"));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { listener: { headersTimeout: 100 }, load: { maxConnections: 2 } });
  const used = await openSocket(proxy.port);
  t.after(() => used.destroy());
  used.write(REQUEST);
  await readUntil(used, "answer");
  const silent = readToEnd(await openSocket(proxy.port));
  await proxy.until("fenceline_proxy_connections", 2);

  const isServed = () =>
    call(proxy.port).then(
      ({ status }) => status === 200,
      () => false,
    );
  await until(isServed);

  assert.equal(await silent, "");
  assert.equal(await proxy.metric('fenceline_proxy_connections_refused_total{reason="SILENT"}'), 1);
  used.write(REQUEST);
  assert.match(await readUntil(used, "answer"), /^HTTP\/1\.1 200 /);
});
