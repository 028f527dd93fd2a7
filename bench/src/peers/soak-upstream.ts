/**
 * The destination of the soak. `?bytes=N` asks for that many, `?wait=MS` for an answer that late, `/events` for a stream of events without end;
 * uploads are read to their end. HTTP/2 calls, with prior knowledge, get 64 bytes. Prints `{"port":…}`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";

const EVENT_EVERY_MS = 100;

const http1 = createServer((request, response) => {
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

const http2 = createHttp2Server();
http2.on("stream", (stream) => {
  stream.on("error", () => {}).resume();
  stream.respond({ ":status": 200, "content-length": 64 });
  stream.end(Buffer.alloc(64, "x"));
});

/** By its first letters: what HTTP/2 begins with (RFC 9113 §3.4) no HTTP/1.1 request does. */
function handOver(socket: Socket, first: Buffer): void {
  const isHttp2 = first.toString("latin1", 0, 3) === "PRI";
  socket.pause();
  socket.unshift(first);
  (isHttp2 ? http2 : http1).emit("connection", socket);
  // node:http2 takes what was read by itself.
  if (!isHttp2) socket.resume();
}

const server = createTcpServer((socket) => socket.on("error", () => {}).once("data", (first) => handOver(socket, Buffer.from(first))));
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: (server.address() as AddressInfo).port })));
