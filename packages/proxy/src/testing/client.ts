import { once } from "node:events";
import { type Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { SERVICE, SOURCE } from "./proxy-under-test.ts";

export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly headers: IncomingMessage["headers"];
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly trailers: IncomingMessage["trailers"];
}

export interface CallOptions {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  /** Null leaves `fence-source` out. */
  readonly source?: string | null;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Buffer;
  readonly agent?: Agent;
}

/** Begins a call through the proxy; the caller ends the request. */
export function open(
  port: number,
  { method = "GET", path = "/", host = SERVICE, source = SOURCE, headers = {}, agent }: CallOptions,
): ClientRequest {
  return request({
    host: "127.0.0.1",
    port,
    method,
    path,
    agent: agent ?? false,
    headers: { host, ...(source === null ? {} : { "fence-source": source }), ...headers },
  });
}

/** One call through the proxy, answer read to its end. */
export async function call(port: number, options: CallOptions = {}): Promise<Answer> {
  const outgoing = open(port, options);
  outgoing.end(options.body);
  return readAnswer(outgoing);
}

export async function readAnswer(outgoing: ClientRequest): Promise<Answer> {
  const [response]: [IncomingMessage] = await new Promise((resolve, reject) => {
    outgoing.on("response", (incoming) => resolve([incoming])).on("error", reject);
  });
  const body = Buffer.concat(await response.toArray());
  return {
    status: response.statusCode ?? 0,
    reason: response.statusMessage ?? "",
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    body,
    trailers: response.trailers,
  };
}

/** What a refusal's body says. */
export function refusalOf(answer: Answer): { code: string; message: string } {
  return JSON.parse(answer.body.toString());
}

/**
 * Sends bytes as they stand and returns all that comes back until the proxy closes the connection.
 */
export async function sendRaw(port: number, bytes: string): Promise<string> {
  const socket = await openSocket(port);
  socket.write(bytes, "latin1");
  return readToEnd(socket);
}

export async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

export async function readToEnd(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  await once(socket, "close");
  return Buffer.concat(chunks).toString("latin1");
}

/** Waits until `found` is in what the socket sends; resolves with all that came. */
export async function readUntil(socket: Socket, found: string): Promise<string> {
  let text = "";
  for (;;) {
    const [chunk]: Buffer[] = await once(socket, "data");
    text += chunk?.toString("latin1") ?? "";
    if (text.includes(found)) return text;
  }
}
