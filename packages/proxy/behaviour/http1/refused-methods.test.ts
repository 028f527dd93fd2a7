import assert from "node:assert/strict";
import { test } from "node:test";
import { call, sendRaw } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

for (const [method, target] of [
  ["CONNECT", `${SERVICE}:80`],
  ["TRACE", "/"],
]) {
  test(`E1-11 ${method} gets 405 and is not forwarded`, async (t) => {
    const upstream = await startUpstream(t, (_request, response) => response.end());
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

    const answer = await sendRaw(proxy.port, `${method} ${target} HTTP/1.1\r\nHost: ${SERVICE}\r\nConnection: close\r\n\r\n`);

    assert.match(answer, /^HTTP\/1\.1 405 /);
    assert.match(answer, /allow: GET, HEAD, POST/);
    assert.equal(upstream.connections(), 0);
  });
}

for (const method of ["PATCH", "PROPFIND", "PURGE", "QUERY"]) {
  test(`${method} is forwarded`, async (t) => {
    const upstream = await startUpstream(t, (request, response) => response.end(request.method));
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    assert.equal((await call(proxy.port, { method })).body.toString(), method);
  });
}
