import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { peerOf } from "./peer.ts";
import type { Echo } from "./protocol.ts";
import { echoSocket } from "./web-socket/echo-socket.ts";

/**
 * An Envoy keeps an idle connection for an hour. Node's 5 s would have us close one just as the
 * Envoy sends a request on it, which answers 503 then, and no suite could tell that from a fault of
 * the mesh. In milliseconds.
 */
const KEEP_ALIVE = 61 * 60_000;

/**
 * An HTTP server that says which pod answered, and what reached it. `?status=404` chooses the
 * status, `?delay=50` waits so many milliseconds, `?hints=1` sends a 103 before, `?trailers=1`
 * sends fields behind the body, `?unwanted=1` answers 417 to a body that is only announced. It
 * takes every WebSocket.
 */
export function httpEcho(pod: string): Server {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE }, (request, response) => {
    let received = 0;
    request.on("data", (chunk: Buffer) => {
      received += chunk.length;
    });
    request.on("end", () => answer(pod, received, request, response));
    request.on("error", () => response.destroy());
  });
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    if (asked(request).has("unwanted")) {
      response.writeHead(417, { connection: "close" }).end();
      return;
    }
    response.writeContinue();
    server.emit("request", request, response);
  });
  return server.on("upgrade", echoSocket);
}

function asked({ url = "/" }: IncomingMessage): URLSearchParams {
  return new URL(url, "http://pod").searchParams;
}

function answer(pod: string, received: number, request: IncomingMessage, response: ServerResponse): void {
  const { method = "", url = "/" } = request;
  const query = asked(request);
  const headers = plain(request.headers);
  const trailers = plain(request.trailers);
  const echo: Echo = { pod, method, path: url, headers, received, trailers, peer: peerOf(headers["x-forwarded-client-cert"]) };
  if (query.has("hints")) response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style" });
  const send = () => {
    response.writeHead(Number(query.get("status") ?? 200), {
      "content-type": "application/json",
      "x-pod": pod,
      "x-peer": echo.peer,
      ...(query.has("trailers") && { trailer: "x-checksum" }),
    });
    if (query.has("trailers")) response.addTrailers({ "x-checksum": "behind the body" });
    response.end(JSON.stringify(echo));
  };
  const delay = Number(query.get("delay") ?? 0);
  if (delay > 0) setTimeout(send, delay);
  else send();
}

/** Header fields as text; repeated ones joined as HTTP allows. */
export function plain(headers: IncomingMessage["headers"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")]),
  );
}
