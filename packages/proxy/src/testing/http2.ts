import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from "node:http2";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { SERVICE, SOURCE } from "./proxy-under-test.ts";

export interface Http2Upstream {
  readonly port: number;
  /** Connections accepted so far. */
  readonly sessions: readonly ServerHttp2Session[];
}

export type OnUpstreamStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, rawHeaders: string[]) => void;

/** A destination that speaks HTTP/2 with prior knowledge. */
export async function startHttp2Upstream(t: TestContext, onStream: OnUpstreamStream, options: ServerOptions = {}): Promise<Http2Upstream> {
  const server = createServer(options);
  const sessions: ServerHttp2Session[] = [];
  server.on("session", (session) => {
    sessions.push(session);
    session.on("error", () => {});
  });
  server.on("stream", (stream, headers, flags, rawHeaders) => {
    stream.on("error", () => {});
    onStream(stream, headers, flags, rawHeaders);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    for (const session of sessions) session.destroy();
  });
  return { port: (server.address() as AddressInfo).port, sessions };
}

/** A client's connection to the proxy. */
export function openSession(t: TestContext, port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  t.after(() => session.destroy());
  return session;
}

/** What calls to the test's service have in common. */
export function head(fields: OutgoingHttpHeaders = {}): OutgoingHttpHeaders {
  return { ":method": "GET", ":path": "/", ":authority": SERVICE, "fence-source": SOURCE, ...fields };
}

export interface Http2Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;
  readonly trailers: IncomingHttpHeaders;
  readonly rawTrailers: readonly string[];
}

/** One call on the session, answer read to its end. Rejects when the stream is reset. */
export async function callHttp2(
  session: ClientHttp2Session,
  fields: OutgoingHttpHeaders = {},
  body?: string | Buffer,
): Promise<Http2Answer> {
  const stream = session.request(head(fields), { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return readHttp2(stream);
}

/** Reads the answer of a stream to its end. Rejects when the stream is reset. */
export async function readHttp2(stream: ClientHttp2Stream): Promise<Http2Answer> {
  const chunks: Buffer[] = [];
  let answer: Pick<Http2Answer, "headers" | "rawHeaders"> = { headers: {}, rawHeaders: [] };
  let trailing: Pick<Http2Answer, "trailers" | "rawTrailers"> = { trailers: {}, rawTrailers: [] };
  stream.on("response", (headers, _flags, rawHeaders) => {
    answer = { headers, rawHeaders };
  });
  stream.on("trailers", (trailers, _flags, rawTrailers) => {
    trailing = { trailers, rawTrailers };
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  await closed(stream);
  if (stream.rstCode !== 0) throw new StreamReset(stream.rstCode);
  return { status: Number(answer.headers[":status"]), ...answer, body: Buffer.concat(chunks).toString(), ...trailing };
}

/** Resolves when the stream is closed, in whatever way. */
export function closed(stream: ClientHttp2Stream | ServerHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    stream.on("error", () => {}).on("close", resolve);
  });
}

/** The stream ended with this code and not with an answer. */
export class StreamReset extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`the stream was reset with code ${code}`);
    this.code = code;
  }
}
