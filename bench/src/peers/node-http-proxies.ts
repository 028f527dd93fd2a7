/**
 * The npm packages that share the interface of `http-proxy`, each as a forward-by-Host proxy with
 * keep-alive upstream connections.
 *
 * Usage: node-http-proxies.ts http-proxy|http-proxy-3|httpxy
 */
import { Agent, type IncomingMessage, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { authorityOf, serve, withoutOurHeaders } from "./forward-by-host.ts";

/** The part of the interface that is used. `http-proxy` has no types. */
interface HttpProxy {
  createProxyServer(options: { agent: Agent }): {
    on(event: "error", listener: (error: Error, request: IncomingMessage, response: ServerResponse) => void): void;
    web(request: IncomingMessage, response: ServerResponse, options: { target: string }): unknown;
  };
}

const [name = ""] = process.argv.slice(2);
const { createProxyServer } = createRequire(import.meta.url)(name) as HttpProxy;

const proxy = createProxyServer({ agent: new Agent({ keepAlive: true }) });
proxy.on("error", (_error, _request, response) => {
  if (!response.headersSent) response.writeHead(502);
  response.end();
});

await serve(
  (request, response) => {
    withoutOurHeaders(request.headers);
    proxy.web(request, response, { target: `http://${authorityOf(request.headers)}` });
  },
  // The others do not support it: one forwards the pseudo headers, the other resets the stream.
  { http2: name === "http-proxy-3" },
);
