import type { TestContext } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { SERVICE } from "./proxy-under-test.ts";

/** Messages are their own bytes: what a proxy does to them does not depend on what they mean. */
export const raw = { serialize: (message: Buffer) => message, deserialize: (bytes: Buffer) => bytes };

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

export const ECHO = {
  unary: method("Unary", false, false),
  collect: method("Collect", true, false),
  repeat: method("Repeat", false, true),
  chat: method("Chat", true, true),
};

/** See {@link startEcho}. */
export interface EchoServer {
  readonly port: number;
  /** Resolves when a call that waits for ever was cancelled. */
  readonly cancelled: Promise<void>;
}

/**
 * A gRPC server that sends back what it gets, in all four kinds of method. The messages `hang` and
 * `fail` do what they say.
 */
export async function startEcho(t: TestContext): Promise<EchoServer> {
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

/** A gRPC client of the test's service by way of what listens on this port. */
export function echoClient(t: TestContext, port: number): grpc.Client {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    "grpc.default_authority": SERVICE,
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
  t.after(() => client.close());
  return client;
}

/** All that a unary call brings. */
export interface UnaryOutcome {
  readonly error: grpc.ServiceError | null;
  readonly message: Buffer | undefined;
  readonly metadata: grpc.Metadata;
  readonly status: grpc.StatusObject;
}

/** One unary call. It never rejects: its status is a part of the outcome. */
export function unary(client: grpc.Client, message: Buffer | string, options: grpc.CallOptions = {}): Promise<UnaryOutcome> {
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
