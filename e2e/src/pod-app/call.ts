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
  trailers,
  expectContinue = false,
  timeout = 10_000,
}: HttpCall): Promise<HttpAnswer> {
  const at = now();
  const interim: number[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const asked = request(url, {
    method,
    headers: {
      ...headers,
      ...framing(bodyBytes, chunked || trailers !== undefined),
      ...(trailers !== undefined && { te: "trailers", trailer: Object.keys(trailers).join(", ") }),
      ...(expectContinue && { expect: "100-continue" }),
    },
    agent,
    signal: AbortSignal.timeout(timeout),
  });
  asked.on("error", reject);
  asked.on("response", (response) => {
    text(response).then((said) => {
      const { statusCode: status = 0 } = response;
      const [headers, trailers] = [plain(response.headers), plain(response.trailers)];
      resolve({ status, headers, body: parsed(said), trailers, interim, at, took: now() - at });
      // The body was announced and not wanted.
      if (!asked.writableEnded) asked.destroy();
    }, reject);
  });
  asked.on("information", ({ statusCode }) => interim.push(statusCode));
  const send = () => {
    if (trailers !== undefined) asked.addTrailers({ ...trailers });
    asked.end(bodyBytes === undefined ? undefined : Buffer.alloc(bodyBytes, "x"));
  };
  if (!expectContinue) send();
  else asked.on("continue", () => send()).flushHeaders();
  return promise;
}

/**
 * Said by us: node:http frames the bodies of some methods, but sends that of a DELETE bare, to be
 * taken for the next request.
 */
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

/**
 * One TCP exchange; returns the line that the server sent. Rejects when it sends none, or another
 * one than is expected.
 */
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
