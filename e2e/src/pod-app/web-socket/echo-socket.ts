import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { peerOf } from "../peer.ts";
import { decodeFrame, encodeFrame, type Frame, OPCODE } from "./frames.ts";

/** RFC 6455 §1.3. */
const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/**
 * Accepts a WebSocket and sends every message back, with who called in front of it:
 * `<peer> <message>`.
 */
export function echoSocket(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${ACCEPT_SUFFIX}`).digest("base64");
  const fields = ["Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Accept: ${accept}`];
  socket.on("error", () => {});
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields.join("\r\n")}\r\n\r\n`);
  const peer = peerOf(String(request.headers["x-forwarded-client-cert"] ?? ""));
  let rest = head;
  const read = (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let found = decodeFrame(rest); found !== undefined; found = decodeFrame(rest)) {
      rest = rest.subarray(found.length);
      answer(socket, found.frame, peer);
    }
  };
  read(Buffer.alloc(0));
  socket.on("data", read);
  socket.on("end", () => socket.end());
}

function answer(socket: Duplex, { opcode, payload }: Frame, peer: string): void {
  if (opcode === OPCODE.ping) socket.write(encodeFrame({ opcode: OPCODE.pong, payload }));
  else if (opcode === OPCODE.close) socket.end(encodeFrame({ opcode, payload }));
  else socket.write(encodeFrame({ opcode, payload: Buffer.concat([Buffer.from(`${peer} `), payload]) }));
}
