import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openSocket, readToEnd } from "../../src/testing/client.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { startUpstream } from "../../src/testing/upstream.ts";

const GET = `GET / HTTP/1.1\r\nHost: ${SERVICE}\r\n\r\n`;
const CONNECT = `CONNECT ${SERVICE}:80 HTTP/1.1\r\nHost: ${SERVICE}:80\r\n\r\n`;

/**
 * A client that has sent CONNECT behind a request, which is not answered before the test says so.
 */
async function setUp(t: TestContext) {
  const arrived = Promise.withResolvers<() => void>();
  const upstream = await startUpstream(t, (_request, response) => arrived.resolve(() => response.end("first")));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] }, { listener: { halfClosedTimeout: 50 } });
  const client = await openSocket(proxy.port);
  t.after(() => client.destroy());
  client.write(GET + CONNECT);
  return { proxy, client, answer: await arrived.promise };
}

test("T-45 CONNECT behind a request is refused in its turn", async (t) => {
  const { client, answer } = await setUp(t);
  answer();
  assert.match(await readToEnd(client), /^HTTP\/1\.1 200 .*first.*HTTP\/1\.1 405 .*METHOD_REFUSED/s);
});

/** More than the kernel takes of a connection that is not read from. */
const LARGE = 16 * 1024 * 1024;

test("T-45 CONNECT behind a request whose answer is larger than the client takes at once holds up nothing of it", async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end(Buffer.alloc(LARGE, "x")));
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const client = await openSocket(proxy.port);
  client.pause().write(GET + CONNECT);
  await proxy.until('fenceline_proxy_requests_total{outcome="2xx"}', 1);

  const read = readToEnd(client);
  client.resume();
  const answers = await read;

  assert.ok(answers.length > LARGE, `${answers.length} bytes came`);
  assert.match(answers.slice(LARGE), /HTTP\/1\.1 405 .*METHOD_REFUSED/s);
  await proxy.until("fenceline_proxy_connections", 0);
});

test("T-45 CONNECT behind a request that is not answered holds up no drain beyond its deadline", async (t) => {
  const { proxy } = await setUp(t);
  await proxy.sidecar.close({ deadline: 10 });
});

for (const how of ["end", "resetAndDestroy"] as const) {
  test(`T-45 a client that leaves behind CONNECT (${how}) leaves its request too`, async (t) => {
    const { proxy, client } = await setUp(t);
    client.on("error", () => {})[how]();
    await proxy.until('fenceline_proxy_requests_total{outcome="CLIENT_GONE"}', 1);
    await proxy.until("fenceline_proxy_connections", 0);
  });
}

test("T-45 a client that resets its connection while its CONNECT waits ends nothing but its own call", async (t) => {
  const { proxy, client, answer } = await setUp(t);
  client.on("error", () => {}).resetAndDestroy();
  answer();
  await proxy.until("fenceline_proxy_connections", 0);
  const other = await openSocket(proxy.port);
  other.write(CONNECT);
  assert.match(await readToEnd(other), /^HTTP\/1\.1 405 /);
});
