/**
 * The destination of the soak. `?bytes=N` asks for that many, `?wait=MS` for an answer that late,
 * `/events` for a stream of events without end; uploads are read to their end, upgraded connections
 * get back what they send, TLS holds the same within. HTTP/2 calls, with prior knowledge, get 64
 * bytes. Prints `{"port":…}`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { CERTIFICATE, KEY } from "../../../packages/proxy/src/testing/certificate.ts";

const EVENT_EVERY_MS = 100;

const http1 = createServer((request, response) => {
  // The soak's callers disconnect on purpose.
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

http1.on("upgrade", (_, socket: Socket, head: Buffer) => {
  socket.on("error", () => {});
  socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  socket.unshift(head);
  socket.pipe(socket);
});

const tls = createTlsServer({ cert: CERTIFICATE, key: KEY }, (socket) => http1.emit("connection", socket));
tls.on("tlsClientError", () => {});

const http2 = createHttp2Server();
http2.on("stream", (stream) => {
  stream.on("error", () => {}).resume();
  stream.respond({ ":status": 200, "content-length": 64 });
  stream.end(Buffer.alloc(64, "x"));
});

/** Content type of a TLS handshake record (RFC 8446 §5.1). */
const HANDSHAKE = 0x16;

/** By its first letters: no HTTP/1.1 request begins like HTTP/2 (RFC 9113 §3.4). */
function handOver(socket: Socket, first: Buffer): void {
  const server = first[0] === HANDSHAKE ? tls : first.toString("latin1", 0, 3) === "PRI" ? http2 : http1;
  socket.pause();
  socket.unshift(first);
  server.emit("connection", socket);
  // node:http2 and node:tls take what was read by themselves.
  if (server === http1) socket.resume();
}

const server = createTcpServer((socket) => socket.on("error", () => {}).once("data", (first) => handOver(socket, Buffer.from(first))));
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: (server.address() as AddressInfo).port })));
