import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { ECHO, echoClient, raw, startEcho, unary } from "../../src/testing/grpc-echo.ts";
import { SERVICE, startProxy } from "../../src/testing/proxy-under-test.ts";
import { unusedPort } from "../../src/testing/upstream.ts";

async function startClient(t: TestContext, endpoints: readonly number[]): Promise<grpc.Client> {
  const proxy = await startProxy(t, { [SERVICE]: endpoints });
  return echoClient(t, proxy.port);
}

test("E1-10 a unary gRPC call gets its message, its metadata and its trailers", async (t) => {
  const client = await startClient(t, [(await startEcho(t)).port]);

  const { message, metadata, status } = await unary(client, "hello");

  assert.equal(message?.toString(), "hello");
  assert.deepEqual(metadata.get("x-echo"), ["value"]);
  assert.deepEqual(status.metadata.get("x-trailer"), ["last"]);
});

test("E1-10 a gRPC status with details arrives, also in trailers alone", async (t) => {
  const client = await startClient(t, [(await startEcho(t)).port]);

  const { error } = await unary(client, "fail");

  assert.equal(error?.code, grpc.status.NOT_FOUND);
  assert.equal(error?.details, "no € here");
  assert.deepEqual(error?.metadata.get("grpc-status-details-bin"), [Buffer.from([8, 5, 18, 3, 97, 98, 99])]);
});

test("a gRPC message of eight megabytes arrives whole, both ways", async (t) => {
  const client = await startClient(t, [(await startEcho(t)).port]);
  const large = Buffer.alloc(8 * 1024 * 1024, "0123456789");

  const { message } = await unary(client, large);

  assert.equal(message?.equals(large), true);
});

test("client-streaming gRPC: every part arrives, in order", async (t) => {
  const client = await startClient(t, [(await startEcho(t)).port]);
  const answer = await new Promise<Buffer | undefined>((resolve, reject) => {
    const call = client.makeClientStreamRequest(ECHO.collect.path, raw.serialize, raw.deserialize, (error, message?: Buffer) =>
      error ? reject(error) : resolve(message),
    );
    for (let i = 0; i < 100; i += 1) call.write(Buffer.from(`${i},`));
    call.end();
  });

  assert.equal(answer?.toString(), Array.from({ length: 100 }, (_, i) => `${i},`).join(""));
});

test("server-streaming gRPC: every part arrives", async (t) => {
  const client = await startClient(t, [(await startEcho(t)).port]);
  const call = client.makeServerStreamRequest(ECHO.repeat.path, raw.serialize, raw.deserialize, Buffer.from("again"));

  const parts: Buffer[] = await call.toArray();

  assert.equal(parts.length, 100);
  assert.equal(parts[99]?.toString(), "again");
});

test("bidirectional gRPC: each part is answered before the next is sent", async (t) => {
  const client = await startClient(t, [(await startEcho(t)).port]);
  const call = client.makeBidiStreamRequest(ECHO.chat.path, raw.serialize, raw.deserialize);
  const answers = call[Symbol.asyncIterator]();

  for (const word of ["one", "two", "three"]) {
    call.write(Buffer.from(word));
    const { value } = await answers.next();
    assert.equal(value?.toString(), word);
  }
  call.end();

  assert.equal((await answers.next()).done, true);
});

test("E1-18 a gRPC deadline cancels the call at the destination", async (t) => {
  const server = await startEcho(t);
  const client = await startClient(t, [server.port]);

  const { error } = await unary(client, "hang", { deadline: Date.now() + 300 });

  assert.equal(error?.code, grpc.status.DEADLINE_EXCEEDED);
  await server.cancelled;
});

test("E1-18 a gRPC call that is cancelled is cancelled at the destination", async (t) => {
  const server = await startEcho(t);
  const client = await startClient(t, [server.port]);
  assert.equal((await unary(client, "hello")).error, null);

  const call = client.makeUnaryRequest(ECHO.unary.path, raw.serialize, raw.deserialize, Buffer.from("hang"), () => {});
  call.on("error", () => {});
  setImmediate(() => setImmediate(() => call.cancel()));

  await server.cancelled;
});

test("a gRPC caller reads our own refusals as a status, with the code of the refusal", async (t) => {
  const client = await startClient(t, [await unusedPort()]);

  const { error } = await unary(client, "hello");

  assert.equal(error?.code, grpc.status.UNAVAILABLE);
  assert.equal(error?.details, "the destination cannot be connected");
  assert.deepEqual(error?.metadata.get("fenceline-error"), ["CONNECT_FAILED"]);
});
