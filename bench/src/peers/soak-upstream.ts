/**
 * The destination of the soak. `?bytes=N` asks for that many, `?wait=MS` for an answer that late, `/events` for a stream of events without end;
 * uploads are read to their end. Prints `{"port":…}`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const EVENT_EVERY_MS = 100;

const server = createServer((request, response) => {
  // The soak's callers go away in the middle on purpose.
  request.on("error", () => {});
  response.on("error", () => {});
  if (request.url?.startsWith("/events") === true) events(response);
  else request.resume().once("end", () => answer(request, response));
});

function answer(request: IncomingMessage, response: ServerResponse): void {
  const query = new URL(request.url ?? "/", "http://soak").searchParams;
  const body = Buffer.alloc(Number(query.get("bytes") ?? 64), "x");
  const timer = setTimeout(() => response.end(body), Number(query.get("wait") ?? 0));
  response.once("close", () => clearTimeout(timer));
  response.setHeader("content-length", body.length);
}

function events(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const timer = setInterval(() => response.write(`data: ${Date.now()}\n\n`), EVENT_EVERY_MS);
  response.once("close", () => clearInterval(timer));
}

server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: (server.address() as AddressInfo).port })));
