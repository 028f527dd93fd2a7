import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { SERVICE, startProxy } from "../testing/proxy-under-test.ts";
import { unusedPort } from "../testing/upstream.ts";

/** Messages are their own bytes: what a proxy does to them does not depend on what they mean. */
const raw = { serialize: (message: Buffer) => message, deserialize: (bytes: Buffer) => bytes };

function method(name: string, requestStream: boolean, responseStream: boolean): grpc.MethodDefinition<Buffer, Buffer> {
  return {
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: raw.serialize,
    requestDeserialize: raw.deserialize,
    responseSerialize: raw.serialize,
    responseDeserialize: raw.deserialize,
  };
}

const ECHO = {
  unary: method("Unary", false, false),
  collect: method("Collect", true, false),
  repeat: method("Repeat", false, true),
  chat: method("Chat", true, true),
};

interface EchoServer {
  readonly port: number;
  /** Resolves when a call that waits for ever was cancelled. */
  readonly cancelled: Promise<void>;
}

async function startEcho(t: TestContext): Promise<EchoServer> {
  const cancelled = Promise.withResolvers<void>();
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  server.addService(ECHO, {
    unary(call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) {
      const text = call.request.toString("latin1", 0, 8);
      if (text === "hang") call.on("cancelled", () => cancelled.resolve());
      else if (text === "fail") callback({ code: grpc.status.NOT_FOUND, details: "no € here", metadata: details() });
      else {
        const trailers = new grpc.Metadata();
        trailers.set("x-trailer", "last");
        const initial = new grpc.Metadata();
        initial.set("x-echo", call.metadata.get("x-sent")[0] ?? "");
        call.sendMetadata(initial);
        callback(null, call.request, trailers);
      }
    },
    collect(call: grpc.ServerReadableStream<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) {
      const parts: Buffer[] = [];
      call.on("data", (part: Buffer) => parts.push(part)).on("end", () => callback(null, Buffer.concat(parts)));
    },
    repeat(call: grpc.ServerWritableStream<Buffer, Buffer>) {
      for (let i = 0; i < 100; i += 1) call.write(call.request);
      call.end();
    },
    chat(call: grpc.ServerDuplexStream<Buffer, Buffer>) {
      call.on("data", (part: Buffer) => call.write(part)).on("end", () => call.end());
    },
  });
  t.after(() => server.forceShutdown());
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return { port, cancelled: cancelled.promise };
}

/** What google.rpc.Status travels in. */
function details(): grpc.Metadata {
  const metadata = new grpc.Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from([8, 5, 18, 3, 97, 98, 99]));
  return metadata;
}

async function startClient(t: TestContext, endpoints: readonly number[]): Promise<grpc.Client> {
  const proxy = await startProxy(t, { [SERVICE]: endpoints });
  const client = new grpc.Client(`127.0.0.1:${proxy.port}`, grpc.credentials.createInsecure(), {
    "grpc.default_authority": SERVICE,
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
  t.after(() => client.close());
  return client;
}

interface UnaryOutcome {
  readonly error: grpc.ServiceError | null;
  readonly message: Buffer | undefined;
  readonly metadata: grpc.Metadata;
  readonly status: grpc.StatusObject;
}

function unary(client: grpc.Client, message: Buffer | string, options: grpc.CallOptions = {}): Promise<UnaryOutcome> {
  const metadata = new grpc.Metadata();
  metadata.set("x-sent", "value");
  return new Promise((resolve) => {
    let initial = new grpc.Metadata();
    let outcome: Pick<UnaryOutcome, "error" | "message"> = { error: null, message: undefined };
    client
      .makeUnaryRequest(ECHO.unary.path, raw.serialize, raw.deserialize, Buffer.from(message), metadata, options, (error, answer) => {
        outcome = { error, message: answer };
      })
      .on("metadata", (received) => {
        initial = received;
      })
      .on("status", (status) => setImmediate(() => resolve({ ...outcome, metadata: initial, status })));
  });
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
