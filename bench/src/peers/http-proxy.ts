/** The npm package `http-proxy` as a forward-by-Host proxy with keep-alive upstream connections. Prints `{"port":…}`. */
import { Agent, createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";

/** The little that is used of `http-proxy`, which ships no types. */
interface HttpProxy {
  createProxyServer(options: { agent: Agent }): {
    on(event: "error", listener: (error: Error, request: IncomingMessage, response: ServerResponse) => void): void;
    web(request: IncomingMessage, response: ServerResponse, options: { target: string }): void;
  };
}

const { createProxyServer } = createRequire(import.meta.url)("http-proxy") as HttpProxy;

const proxy = createProxyServer({ agent: new Agent({ keepAlive: true }) });
proxy.on("error", (_error, _request, response) => response.writeHead(502).end());

const server = createServer((request, response) => {
  delete request.headers["fence-source"];
  delete request.headers["slime-orig-dest"];
  delete request.headers["slime-source-ns"];
  proxy.web(request, response, { target: `http://${request.headers.host}` });
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: (server.address() as AddressInfo).port })));
