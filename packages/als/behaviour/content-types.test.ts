import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { createAccessLogServer } from "../src/testing/access-log-server.ts";
import { CollectingSink } from "../src/testing/collecting-sink.ts";
import { rawHttp2 } from "../src/testing/http2-client.ts";

/** The HTTP status that a stream of this content type gets, once it has ended its upload. */
async function statusOf(t: TestContext, type: string): Promise<unknown> {
  const server = await createAccessLogServer({ host: "127.0.0.1", port: 0, sink: new CollectingSink() });
  t.after(() => server.close(0));
  const { stream } = rawHttp2(t, server.port).call({ "content-type": type });
  stream.end();
  const [fields] = await once(stream, "response");
  return fields[":status"];
}

for (const type of ["application/grpc", "application/grpc+proto", "Application/gRPC;charset=utf-8", "application/grpc ; charset=utf-8"]) {
  test(`T-46 the access-log port takes ${type} for a call`, async (t) => {
    assert.equal(await statusOf(t, type), 200);
  });
}

for (const type of ["application/grpc-web", "application/grpc-web+proto", "application/grpcfoo", "application/json"]) {
  test(`T-46 the access-log port answers ${type} with an HTTP error`, async (t) => {
    assert.equal(await statusOf(t, type), 415);
  });
}
