/**
 * What every peer in Node does beside its proxy: it listens, forwards by Host, and removes the
 * headers that Fenceline removes.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo, Server } from "node:net";

/**
 * Handles a request of either protocol: node:http2 has an interface that is close enough to
 * node:http's.
 */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Listens for HTTP/1.1 and, where the proxy can, on a second port for HTTP/2 by prior knowledge.
 * Prints `{"port":…,"http2":…}`.
 */
export async function serve(handler: Handler, protocols: { readonly http2: boolean }): Promise<void> {
  const port = await listen(createServer(handler as RequestListener));
  const http2 = protocols.http2 ? await listen(createHttp2Server(handler as never)) : undefined;
  console.log(JSON.stringify({ port, http2 }));
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)));
}

/** The destination that a request names: `:authority` in HTTP/2. */
export function authorityOf(headers: IncomingHttpHeaders): string {
  return String(headers[":authority"] ?? headers.host);
}

/** Removes the three headers that tell the global sidecar who calls whom. */
export function withoutOurHeaders<Headers extends Record<string, unknown>>(headers: Headers): Headers {
  const fields: Record<string, unknown> = headers;
  delete fields["fence-source"];
  delete fields["slime-orig-dest"];
  delete fields["slime-source-ns"];
  return headers;
}
