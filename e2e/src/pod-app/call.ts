import { Agent, request } from "node:http";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { plain } from "./http-echo.ts";
import type { HttpAnswer, HttpCall, TcpCall } from "./protocol.ts";

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

/** Milliseconds since 1970, finer than `Date.now()`. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** One HTTP request. Rejects when there is no whole answer. */
export async function httpCall({
  url,
  method = "GET",
  headers = {},
  bodyBytes,
  chunked = false,
  timeout = 10_000,
}: HttpCall): Promise<HttpAnswer> {
  const at = now();
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const asked = request(url, {
    method,
    headers: { ...headers, ...framing(bodyBytes, chunked) },
    agent,
    signal: AbortSignal.timeout(timeout),
  });
  asked.on("error", reject);
  asked.on("response", (response) => {
    text(response).then((said) => {
      resolve({ status: response.statusCode ?? 0, headers: plain(response.headers), body: parsed(said), at, took: now() - at });
    }, reject);
  });
  asked.end(bodyBytes === undefined ? undefined : Buffer.alloc(bodyBytes, "x"));
  return promise;
}

/** Said by us: node:http frames the bodies of some methods, but sends that of a DELETE bare, to be taken for the next request. */
function framing(bodyBytes: number | undefined, chunked: boolean): Record<string, string> {
  if (chunked) return { "transfer-encoding": "chunked" };
  return bodyBytes === undefined ? {} : { "content-length": String(bodyBytes) };
}

function parsed(said: string): unknown {
  try {
    return JSON.parse(said);
  } catch {
    return said;
  }
}

/** One TCP exchange; returns the line that the server sent. Rejects when it sends none, or another one than is expected. */
export async function tcpCall({ host, port, send, expect, timeout = 5_000 }: TcpCall): Promise<string> {
  const socket = connect({ host, port });
  socket.setTimeout(timeout, () => socket.destroy(new Error(`no line within ${timeout} ms`)));
  const { promise: line, resolve, reject } = Promise.withResolvers<string>();
  // The interface repeats its input's errors as its own.
  createInterface({ input: socket }).once("line", resolve).on("error", reject);
  socket.on("error", reject);
  socket.on("close", () => reject(new Error("closed without a line")));
  if (send !== undefined) socket.write(`${send}\n`);
  try {
    const came = await line;
    if (expect !== undefined && came !== expect) throw new Error(`'${came}' in place of '${expect}'`);
    return came;
  } finally {
    socket.destroy();
  }
}
