/** An HTTP/2 client that may break gRPC's rules, for tests and floods. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from "node:http2";
import type { TestContext } from "node:test";
import { STREAM_V3 } from "../methods.ts";

interface RawCall {
  readonly stream: ClientHttp2Stream;
  /**
   * Resolves when the stream is over: the gRPC status, or undefined when it was cut without one.
   */
  readonly status: Promise<number | undefined>;
}

export interface RawHttp2 {
  readonly session: ClientHttp2Session;
  call(headers?: OutgoingHttpHeaders): RawCall;
  /** Resolves when the connection is over. */
  readonly closed: Promise<void>;
}

/** A connection that ends with the test. */
export function rawHttp2(t: Pick<TestContext, "after">, port: number): RawHttp2 {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  session.on("close", resolve);
  t.after(() => session.destroy());
  return { session, closed, call: (headers = {}) => open(session, headers) };
}

function open(session: ClientHttp2Session, headers: OutgoingHttpHeaders): RawCall {
  const stream = session.request({ ":method": "POST", ":path": STREAM_V3, "content-type": "application/grpc", te: "trailers", ...headers });
  const { promise: status, resolve } = Promise.withResolvers<number | undefined>();
  const read = (fields: { readonly "grpc-status"?: string | string[] | undefined }) => {
    if (fields["grpc-status"] !== undefined) resolve(Number(fields["grpc-status"]));
  };
  stream.on("response", read);
  stream.on("trailers", read);
  stream.on("error", () => {});
  stream.on("close", () => resolve(undefined));
  stream.resume();
  return { stream, status };
}
