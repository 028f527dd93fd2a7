import type { EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { peerOf } from "../peer.ts";
import { ASK_FIELD, type GrpcAsk } from "../protocol.ts";
import { ECHO_SERVICE } from "./methods.ts";

/** What calls of every kind have. */
type Call = Pick<ServerUnaryCall<Buffer, Buffer>, "metadata" | "sendMetadata" | "getDeadline" | "getHost"> & EventEmitter;

/**
 * A gRPC server that sends messages back: Unary the message, ClientStreaming the last one,
 * ServerStreaming numbers, Bidirectional every message. The metadata at the end of each call tell
 * who called, and what reached us; {@link GrpcAsk} tells what else a caller may ask for.
 */
export class GrpcEcho {
  readonly #pod: string;
  readonly #server = new Server();
  /** Calls that are not answered yet. */
  readonly #open = new Set<Call>();
  #cancelled = 0;

  constructor(pod: string) {
    this.#pod = pod;
    this.#server.addService(ECHO_SERVICE, {
      Unary: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => void this.#one(call, [call.request], answer),
      ClientStreaming: (call: ServerReadableStream<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
        const received: Buffer[] = [];
        call.on("data", (message: Buffer) => received.push(message));
        call.on("end", () => void this.#one(call, received, answer));
      },
      ServerStreaming: (call: ServerWritableStream<Buffer, Buffer>) => void this.#numbers(call),
      Bidirectional: (call: ServerDuplexStream<Buffer, Buffer>) => this.#each(call),
    });
  }

  /** Resolves with the port, when it listens. */
  listen(address: string): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => (error === null ? resolve(port) : reject(error)));
    return promise;
  }

  close(): void {
    this.#server.forceShutdown();
  }

  async #one(call: Call, received: readonly Buffer[], answer: sendUnaryData<Buffer>): Promise<void> {
    const ask = this.#begin(call);
    await delay(ask.delay ?? 0);
    const code = ask.status ?? status.OK;
    const trailers = this.#trailers(call, received.length, lengthOf(received));
    if (code === status.OK) answer(null, received.at(-1) ?? Buffer.alloc(0), trailers);
    else answer({ code, details: DETAILS, metadata: trailers });
  }

  async #numbers(call: ServerWritableStream<Buffer, Buffer>): Promise<void> {
    const { answers = 3, interval = 0, status: code = status.OK } = this.#begin(call);
    for (let number = 0; number < answers && !call.cancelled; number++) {
      call.write(Buffer.from(`${number}`));
      await delay(interval);
    }
    this.#end(call, code, this.#trailers(call, 1, call.request.length));
  }

  #each(call: ServerDuplexStream<Buffer, Buffer>): void {
    const { status: code = status.OK } = this.#begin(call);
    let messages = 0;
    let bytes = 0;
    call.on("data", (message: Buffer) => {
      messages += 1;
      bytes += message.length;
      call.write(message);
    });
    call.on("end", () => this.#end(call, code, this.#trailers(call, messages, bytes)));
  }

  /**
   * A stream that ends well says so by its end, one that does not by an error: grpc-js has no other
   * way.
   */
  #end(call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>, code: status, trailers: Metadata): void {
    if (code === status.OK) call.end(trailers);
    else call.emit("error", { code, details: DETAILS, metadata: trailers });
  }

  #begin(call: Call): GrpcAsk {
    this.#open.add(call);
    // Emitted at the end of every call, be it cancelled or answered.
    call.on("cancelled", () => {
      if (this.#open.delete(call)) this.#cancelled += 1;
    });
    // Emitted beside "cancelled", and ends the process where nobody listens.
    call.on("error", () => {});
    const [asked] = call.metadata.get(ASK_FIELD);
    const ask = JSON.parse(asked?.toString() ?? "{}") as GrpcAsk;
    // Without this, an error is the whole answer: one header, which ends the stream.
    if (ask.status === undefined) call.sendMetadata(metadata({ "x-pod": this.#pod }));
    return ask;
  }

  /** Metadata for the end of a call, which comes now. */
  #trailers(call: Call, messages: number, bytes: number): Metadata {
    this.#open.delete(call);
    const trailers = metadata({
      "x-pod": this.#pod,
      "x-peer": peerOf(call.metadata.get("x-forwarded-client-cert").at(-1)?.toString()),
      "x-authority": call.getHost(),
      "x-messages": `${messages}`,
      "x-bytes": `${bytes}`,
      "x-cancelled": `${this.#cancelled}`,
      "x-deadline": `${Number(call.getDeadline()) - Date.now()}`,
    });
    trailers.set("x-raw-bin", Buffer.from(EVERY_BYTE));
    return trailers;
  }
}

const DETAILS = "as asked for: ünïcode, 100 %";
const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);

function metadata(fields: Readonly<Record<string, string>>): Metadata {
  const made = new Metadata();
  for (const [name, value] of Object.entries(fields)) made.set(name, value);
  return made;
}

function lengthOf(messages: readonly Buffer[]): number {
  return messages.reduce((total, { length }) => total + length, 0);
}
