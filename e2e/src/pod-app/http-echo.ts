import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Echo } from "./protocol.ts";

/**
 * An Envoy keeps an idle connection for an hour. Node's 5 s would have us close one just as the Envoy sends a request on it, which answers 503
 * then, and no suite could tell that from a fault of the mesh. In milliseconds.
 */
const KEEP_ALIVE = 61 * 60_000;

/** An HTTP server that says which pod answered, and what reached it. `?status=404` chooses the status, `?delay=50` waits so many milliseconds. */
export function httpEcho(pod: string): Server {
  return createServer({ keepAliveTimeout: KEEP_ALIVE }, (request, response) => {
    let received = 0;
    request.on("data", (chunk: Buffer) => {
      received += chunk.length;
    });
    request.on("end", () => answer(pod, received, request, response));
    request.on("error", () => response.destroy());
  });
}

function answer(pod: string, received: number, request: IncomingMessage, response: ServerResponse): void {
  const { method = "", url = "/" } = request;
  const { searchParams } = new URL(url, "http://pod");
  const headers = plain(request.headers);
  const echo: Echo = { pod, method, path: url, headers, received, peer: peerOf(headers["x-forwarded-client-cert"]) };
  const send = () => {
    response.writeHead(Number(searchParams.get("status") ?? 200), {
      "content-type": "application/json",
      "x-pod": pod,
      "x-peer": echo.peer,
    });
    response.end(JSON.stringify(echo));
  };
  const delay = Number(searchParams.get("delay") ?? 0);
  if (delay > 0) setTimeout(send, delay);
  else send();
}

/** Header fields as text; repeated ones joined as HTTP allows. */
export function plain(headers: IncomingMessage["headers"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")]),
  );
}

/** The last element was written by the Envoy beside us; those before it came over the network. */
function peerOf(forwardedClientCert: string | undefined): string {
  const last = forwardedClientCert?.split(",").at(-1) ?? "";
  const uri = last.split(";").find((field) => field.startsWith("URI="));
  return uri?.slice("URI=".length).replaceAll('"', "") ?? "";
}
