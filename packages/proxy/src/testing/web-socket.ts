import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import type { TestContext } from "node:test";
import { openSocket, readUntil } from "./client.ts";
import { SERVICE, SOURCE } from "./proxy-under-test.ts";
import { listen, type Upstream } from "./upstream.ts";

/** RFC 6455 §1.3. */
const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const FINAL_BINARY = 0x82;

/**
 * A request for an upgrade as a browser writes it.
 *
 * @param fields further lines, without their ends
 */
export function upgradeRequest(fields: readonly string[] = [], { method = "GET", protocol = "websocket" } = {}): string {
  const lines = [
    `${method} /chat?room=1 HTTP/1.1`,
    `Host: ${SERVICE}`,
    `Fence-Source: ${SOURCE}`,
    "Connection: keep-alive, Upgrade",
    `Upgrade: ${protocol}`,
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...fields,
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** A destination that accepts every upgrade and sends each message back. */
export async function startEchoServer(t: TestContext): Promise<Upstream> {
  const server = createServer();
  server.on("upgrade", (request, socket: Socket, head) => {
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${ACCEPT_SUFFIX}`).digest("base64");
    socket.on("error", () => {});
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.unshift(head);
    const messages = new Messages((payload) => socket.write(encodeMessage(payload)));
    socket.on("data", (chunk) => messages.push(chunk)).on("end", () => socket.end());
    t.after(() => socket.destroy());
  });
  return listen(t, server);
}

/**
 * Opens a connection and sends the request for an upgrade.
 *
 * @returns once the header of the answer is there
 */
export async function openUpgrade(port: number, request = upgradeRequest()): Promise<{ socket: Socket; answer: string }> {
  const socket = await openSocket(port);
  socket.write(request, "latin1");
  return { socket, answer: await readUntil(socket, "\r\n\r\n") };
}

/** Sends one message and resolves with the next one that comes. */
export async function exchangeMessage(socket: Socket, payload: Buffer): Promise<Buffer> {
  const received: Buffer[] = [];
  const messages = new Messages((message) => received.push(message));
  const onData = (chunk: Buffer) => messages.push(chunk);
  socket.on("data", onData);
  socket.write(encodeMessage(payload, randomBytes(4)));
  while (received.length === 0) await once(socket, "data");
  socket.off("data", onData);
  return received[0] ?? Buffer.alloc(0);
}

/**
 * One unfragmented binary message (RFC 6455 §5.2).
 *
 * @param mask given by clients, never by servers
 */
function encodeMessage(payload: Buffer, mask?: Buffer): Buffer {
  const header = Buffer.alloc(10);
  header[0] = FINAL_BINARY;
  header[1] = 127 | (mask === undefined ? 0 : 0x80);
  header.writeBigUInt64BE(BigInt(payload.length), 2);
  return mask === undefined ? Buffer.concat([header, payload]) : Buffer.concat([header, mask, masked(payload, mask)]);
}

function masked(payload: Buffer, mask: Buffer): Buffer {
  return Buffer.from(payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0)));
}

/** Finds the messages in the bytes of a connection; only such as `encodeMessage` writes. */
class Messages {
  readonly #onMessage: (payload: Buffer) => void;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(onMessage: (payload: Buffer) => void) {
    this.#onMessage = onMessage;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < 14) return;
    const first = this.#chunks[0]?.length ?? 0;
    if (first < 14) this.#chunks = [Buffer.concat(this.#chunks)];
    const header = this.#chunks[0] ?? Buffer.alloc(0);
    const maskLength = (header[1] ?? 0) & 0x80 ? 4 : 0;
    const end = 10 + maskLength + Number(header.readBigUInt64BE(2));
    if (this.#length < end) return;
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#length = 0;
    const payload = bytes.subarray(10 + maskLength, end);
    this.#onMessage(maskLength === 0 ? payload : masked(payload, bytes.subarray(10, 14)));
    if (bytes.length > end) this.push(bytes.subarray(end));
  }
}
