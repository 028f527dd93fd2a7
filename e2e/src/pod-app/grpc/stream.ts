import { Client, type ClientDuplexStream, credentials, Metadata, type StatusObject } from "@grpc/grpc-js";
import { now } from "../call.ts";
import type { LongLived } from "../long-lived.ts";
import { ASK_FIELD, type GrpcAnswer, type GrpcCall } from "../protocol.ts";
import { asBytes, methodPath } from "./methods.ts";

const LONGEST_EXCHANGE = 5_000;
const LONGEST_CALL = 10_000;

/**
 * As applications do: one channel for all calls to a target. So calls of one connection take
 * different ways, once an edge is learned.
 */
const channels = new Map<string, Client>();

function channel(target: string): Client {
  const made =
    channels.get(target) ??
    new Client(`dns:///${target}`, credentials.createInsecure(), {
      // What fails has to be seen.
      "grpc.enable_retries": 0,
      // Or a second question to DNS for every channel.
      "grpc.service_config_disable_resolution": 1,
    });
  channels.set(target, made);
  return made;
}

/** Closes every channel, for a test that is to end. */
export function closeChannels(): void {
  for (const made of channels.values()) made.close();
  channels.clear();
}

/**
 * A gRPC call of any kind. On the wire they are anyway, messages in both directions, so it is made
 * as one that streams both ways; how many messages come is for the one who asked to check.
 */
export class GrpcStream implements LongLived {
  readonly #at = now();
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #answers: string[] = [];
  readonly #ended = Promise.withResolvers<GrpcAnswer>();
  #headers: Readonly<Record<string, string>> = {};
  #answeredAt = this.#at;
  #longestGap = 0;

  private constructor({ target, kind, ask, deadline = LONGEST_CALL, cancelAfter }: GrpcCall) {
    const metadata = new Metadata();
    if (ask !== undefined) metadata.set(ASK_FIELD, JSON.stringify(ask));
    this.#call = channel(target).makeBidiStreamRequest(methodPath(kind), asBytes, asBytes, metadata, { deadline: Date.now() + deadline });
    this.#call.on("metadata", (headers: Metadata) => {
      this.#headers = plain(headers);
    });
    this.#call.on("data", (message: Buffer) => this.#received(message));
    this.#call.on("status", (status: StatusObject) => this.#ended.resolve(this.#answer(status)));
    // Told by the status, too.
    this.#call.on("error", () => {});
    if (cancelAfter !== undefined) setTimeout(() => this.#call.cancel(), cancelAfter).unref();
  }

  /** Opens a call that stays until it is closed. */
  static open(call: GrpcCall): GrpcStream {
    return new GrpcStream(call);
  }

  /** Makes a whole call. Resolves with any status. */
  static call(call: GrpcCall): Promise<GrpcAnswer> {
    const stream = new GrpcStream(call);
    const { messages = 1, bytes = 10 } = call;
    for (let sent = 0; sent < messages; sent++) stream.#call.write(Buffer.alloc(bytes, "x"));
    return stream.close();
  }

  /**
   * Sends a message and resolves with the next one that comes. Rejects when the call has ended, or
   * none comes within 5 s.
   */
  async exchange(line: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const heard = (message: Buffer) => resolve(message.toString());
    const late = setTimeout(() => reject(new Error(`no message within ${LONGEST_EXCHANGE} ms`)), LONGEST_EXCHANGE);
    void this.#ended.promise.then(({ status, details }) => reject(new Error(`the call has ended with ${status} ${details}`)));
    this.#call.once("data", heard);
    this.#call.write(Buffer.from(line));
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      this.#call.off("data", heard);
    }
  }

  /** Sends no more, and resolves with all that came when the server has ended the call, too. */
  close(): Promise<GrpcAnswer> {
    this.#call.end();
    return this.#ended.promise;
  }

  #received(message: Buffer): void {
    this.#answers.push(message.toString());
    const gap = now() - this.#answeredAt;
    if (this.#answers.length > 1) this.#longestGap = Math.max(this.#longestGap, gap);
    this.#answeredAt += gap;
  }

  #answer({ code, details, metadata }: StatusObject): GrpcAnswer {
    return {
      status: code,
      details,
      headers: this.#headers,
      trailers: plain(metadata),
      answers: this.#answers,
      longestGap: this.#longestGap,
      at: this.#at,
      took: now() - this.#at,
    };
  }
}

/** Bytes as Base64, which is how they travel. */
function plain(metadata: Metadata): Record<string, string> {
  return Object.fromEntries(
    Object.keys(metadata.getMap()).map((name) => [
      name,
      metadata
        .get(name)
        .map((value) => (typeof value === "string" ? value : value.toString("base64")))
        .join(", "),
    ]),
  );
}
