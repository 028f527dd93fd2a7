import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { toolPath } from "../../../../scripts/tools/tools.mjs";
import { startEnvoyTo } from "../../conformance/servers.ts";
import { ECHO, echoClient, raw, startEcho, unary } from "../../src/testing/grpc-echo.ts";
import { callHttp2, openSession, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, SOURCE, startProxy } from "../../src/testing/proxy-under-test.ts";

const binary = toolPath("envoy");
const skip = binary === undefined && process.env.CI !== "true" && "no Envoy here: npm test could not install it";

/**
 * client → Envoy → global sidecar → Envoy → destination, as in a mesh.
 *
 * @returns the first one's port
 */
async function startChain(t: TestContext, destination: number) {
  const behind = await startEnvoyTo(t, binary ?? "", destination);
  const proxy = await startProxy(t, { [SERVICE]: [behind] });
  return { proxy, port: await startEnvoyTo(t, binary ?? "", proxy.port) };
}

test("E1-13 between two Envoys a request by HTTP/2 stays HTTP/2, many at a time", { skip }, async (t) => {
  const upstream = await startHttp2Upstream(t, (stream, headers) => {
    stream.respond();
    stream.end(headers[":path"]);
  });
  const { proxy, port } = await startChain(t, upstream.port);
  const session = openSession(t, port);

  const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => callHttp2(session, { ":path": `/${i}` })));

  assert.deepEqual(
    answers.map(({ body }) => body),
    Array.from({ length: 300 }, (_, i) => `/${i}`),
  );
  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="2xx"}'), 300);
});

test("E1-10 between two Envoys gRPC calls get messages, trailers and statuses", { skip }, async (t) => {
  const { port } = await startChain(t, (await startEcho(t)).port);
  const client = echoClient(t, port);

  const echoed = await unary(client, "hello");
  const failed = await unary(client, "fail");
  const streamed = client.makeServerStreamRequest(ECHO.repeat.path, raw.serialize, raw.deserialize, Buffer.from("again"));

  assert.equal(echoed.message?.toString(), "hello");
  assert.deepEqual(echoed.status.metadata.get("x-trailer"), ["last"]);
  assert.equal(failed.error?.code, grpc.status.NOT_FOUND);
  assert.equal((await streamed.toArray()).length, 100);
});

test("E1-18 between two Envoys a deadline reaches the destination as a cancellation", { skip }, async (t) => {
  const server = await startEcho(t);
  const { port } = await startChain(t, server.port);

  const { error } = await unary(echoClient(t, port), "hang", { deadline: Date.now() + 500 });

  assert.equal(error?.code, grpc.status.DEADLINE_EXCEEDED);
  await server.cancelled;
});

test("E1-24 a drain loses none of the requests that an Envoy sends meanwhile: all that were taken are answered", { skip }, async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => {
    setImmediate(() => {
      if (stream.destroyed) return;
      stream.respond();
      stream.end("ok");
    });
  });
  const { proxy, port } = await startChain(t, upstream.port);
  const session = openSession(t, port);
  assert.equal((await callHttp2(session)).body, "ok");

  const calls = Array.from({ length: 50 }, () => callHttp2(session, { "fence-source": SOURCE }));
  await proxy.reported.waitFor(2);
  const closed = proxy.sidecar.close();

  // Those that came too late for a connection find none; Envoy says so with 503.
  for (const { status, body } of await Promise.all(calls)) assert.ok(status === 200 ? body === "ok" : status === 503, `${status} ${body}`);
  await closed;
  assert.equal(await proxy.metric('fenceline_proxy_requests_total{outcome="CLIENT_GONE"}'), 0);
});
