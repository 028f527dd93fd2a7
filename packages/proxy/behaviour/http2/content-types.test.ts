import assert from "node:assert/strict";
import { test } from "node:test";
import { callHttp2, head, openSession, readHttp2, startHttp2Upstream } from "../../src/testing/http2.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";

for (const type of ["application/grpc-web+proto", "application/grpcfoo"]) {
  test(`T-46 a caller of ${type} gets an HTTP error for our refusal`, async (t) => {
    const proxy = await startProxy(t, {});

    const answer = await callHttp2(openSession(t, proxy.port), { ":method": "POST", "content-type": type }, "x");

    assert.equal(answer.status, 503);
    assert.equal(answer.headers["content-type"], "application/json");
    assert.equal(answer.headers["grpc-status"], undefined);
    assert.match(answer.body, /NO_SUCH_SERVICE/);
  });
}

test("T-46 a caller of Application/GRPC+Proto gets a gRPC status for our refusal", async (t) => {
  const proxy = await startProxy(t, {});

  const answer = await callHttp2(openSession(t, proxy.port), { ":method": "POST", "content-type": "Application/GRPC+Proto" }, "x");

  assert.equal(answer.status, 200);
  assert.equal(answer.headers["grpc-status"], "14");
});

test("T-46 the trailers of a request that is no gRPC are forwarded", async (t) => {
  const arrived = Promise.withResolvers<unknown>();
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.on("trailers", (trailers) => arrived.resolve(trailers["x-sum"]));
    stream.resume().on("end", () => stream.respond({}, { endStream: true }));
  });
  const proxy = await startProxy(t, { [SERVICE]: [upstream.port] });
  const stream = openSession(t, proxy.port).request(head({ ":method": "POST", "content-type": "application/grpc-web" }), {
    waitForTrailers: true,
  });
  stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "7" }));
  stream.end("body");

  assert.equal((await readHttp2(stream)).status, 200);
  assert.equal(await arrived.promise, "7");
});
