import assert from "node:assert/strict";
import { test } from "node:test";
import { sendRaw } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const REST = `HTTP/1.1\r\nHost: ${SERVICE}\r\nConnection: close\r\n`;

for (const [target, forwarded] of [
  ["*", "*"],
  [`http://${SERVICE}`, "*"],
  [`http://${SERVICE}/`, "/"],
]) {
  test(`E1-11 OPTIONS ${target} is forwarded as OPTIONS ${forwarded}`, async (t) => {
    const upstream = await startUpstream(t, (request, response) => response.end(`url ${request.url}`));
    const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
    assert.ok((await sendRaw(proxy.port, `OPTIONS ${target} ${REST}\r\n`)).endsWith(`url ${forwarded}`));
  });
}

test("E1-11 GET * gets 400", async (t) => {
  const proxy = await startProxy(t, {});
  assert.match(await sendRaw(proxy.port, `GET * ${REST}\r\n`), /^HTTP\/1\.1 400 /);
});

test("E1-11 OPTIONS with Max-Forwards: 0 is answered by the proxy and goes no further", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end());
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  const answer = await sendRaw(proxy.port, `OPTIONS / ${REST}Max-Forwards: 0\r\n\r\n`);

  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.match(answer, /fenceline-error: MAX_FORWARDS_REACHED\r\n/);
  assert.match(answer, /allow: GET, HEAD, POST/);
  assert.equal(upstream.connections(), 0);
});

test("E1-11 OPTIONS with Max-Forwards is forwarded with one less, other methods with as many", async (t) => {
  const upstream = await startUpstream(t, (request, response) => response.end(`left ${request.headers["max-forwards"]}`));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });

  assert.ok((await sendRaw(proxy.port, `OPTIONS / ${REST}Max-Forwards: 10\r\n\r\n`)).endsWith("left 9"));
  assert.ok((await sendRaw(proxy.port, `GET / ${REST}Max-Forwards: 0\r\n\r\n`)).endsWith("left 0"));
});

test("E1-11 OPTIONS with a Max-Forwards that is no number gets 400", async (t) => {
  const proxy = await startProxy(t, { [SERVICE]: [1] });
  assert.match(await sendRaw(proxy.port, `OPTIONS / ${REST}Max-Forwards: ten\r\n\r\n`), /^HTTP\/1\.1 400 /);
});

test("E1-11 a Max-Forwards that Connection names ends here, and changes no other field", async (t) => {
  const upstream = await startUpstream(t, (request, response) => response.end(JSON.stringify(request.rawHeaders.slice(2, 4))));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const fields = `Host: ${SERVICE}\r\nX-Forwarded-Client-Cert: By=x\r\nMax-Forwards: 5\r\nConnection: close, max-forwards\r\n`;
  const answer = await sendRaw(proxy.port, `OPTIONS / HTTP/1.1\r\n${fields}\r\n`);
  assert.ok(answer.endsWith('["X-Forwarded-Client-Cert","By=x"]'), answer);
});
