import { EventEmitter, once } from "node:events";
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { frame as frameOf, PREFACE } from "@fenceline/wire/testing/frames";
import { SERVICE, SOURCE } from "./proxy-under-test.ts";
import { startRawUpstream, type Upstream } from "./upstream.ts";

/** Frame types (RFC 9113 §6). */
export const TYPE = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;
/** Flags; ACK is END_STREAM's bit. */
export const FLAG = { NONE: 0, ACK: 1, END_STREAM: 1, END_HEADERS: 4 } as const;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export { PREFACE };

/** One frame, whether it makes sense or not. */
export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ""): Buffer {
  return frameOf(type, flags, stream, Buffer.from(payload));
}

/** Payload of RST_STREAM, WINDOW_UPDATE: one number. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Payload of SETTINGS: identifiers and values. */
export function settings(values: Readonly<Record<number, number>>): Buffer {
  return Buffer.concat(
    Object.entries(values).map(([id, value]) => {
      const bytes = Buffer.alloc(6);
      bytes.writeUInt16BE(Number(id), 0);
      bytes.writeUInt32BE(value, 2);
      return bytes;
    }),
  );
}

/** Fields as HPACK literals without indexing and without Huffman (RFC 7541 §6.2.2). */
export function hpack(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), hpackString(name), hpackString(value)]));
}

function hpackString(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([hpackInteger(bytes.length), bytes]);
}

function hpackInteger(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

/** The fields of a request to the test's service. */
export function requestFields(more: readonly (readonly [string, string])[] = []): Buffer {
  return hpack([[":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", SERVICE], ["fence-source", SOURCE], ...more]);
}

/** A request's header of some 16 KB to which CONTINUATION does not come. */
export function unfinishedHeader(): Buffer {
  return frame(TYPE.HEADERS, FLAG.END_STREAM, 1, requestFields([["x-large", "v".repeat(16_000)]]));
}

/** One end of a connection that speaks frames. */
export class FrameSocket {
  readonly socket: Socket;
  readonly received: Frame[] = [];
  closed = false;
  readonly #events = new EventEmitter();
  #buffer: Buffer = Buffer.alloc(0);
  /** @param skip bytes in front of the first frame */
  constructor(socket: Socket, skip: number) {
    this.socket = socket;
    let toSkip = skip;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      const skipped = Math.min(toSkip, chunk.length);
      toSkip -= skipped;
      this.#buffer = Buffer.concat([this.#buffer, chunk.subarray(skipped)]);
      this.#parse();
      this.#events.emit("change");
    });
    socket.on("close", () => {
      this.closed = true;
      this.#events.emit("change");
    });
  }

  send(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** Calls back with each frame that comes from now on, and first with those that came before. */
  onFrame(callback: (received: Frame) => void): void {
    for (const received of this.received) callback(received);
    this.#events.on("frame", callback);
  }

  /** Resolves when something came, or the connection closed. */
  async more(): Promise<void> {
    if (!this.closed) await once(this.#events, "change");
  }

  /**
   * The first frame of this type (and stream), received before or now. Rejects when the connection
   * closes without it.
   */
  async expect(type: number, stream?: number): Promise<Frame> {
    for (;;) {
      const found = this.received.find((candidate) => candidate.type === type && (stream === undefined || candidate.stream === stream));
      if (found !== undefined) return found;
      if (this.closed) throw new Error(`the connection closed without a frame of type ${type}`);
      await once(this.#events, "change");
    }
  }

  /** Resolves once the other end has closed the connection. */
  async end(): Promise<readonly Frame[]> {
    while (!this.closed) await once(this.#events, "change");
    return this.received;
  }

  #parse(): void {
    while (this.#buffer.length >= 9) {
      const length = this.#buffer.readUIntBE(0, 3);
      if (this.#buffer.length < 9 + length) return;
      const [type, flags, stream] = [this.#buffer.readUInt8(3), this.#buffer.readUInt8(4), this.#buffer.readUInt32BE(5)];
      const received = { type, flags, stream, payload: Buffer.from(this.#buffer.subarray(9, 9 + length)) };
      this.received.push(received);
      this.#buffer = this.#buffer.subarray(9 + length);
      this.#events.emit("frame", received);
    }
  }
}

/** A client that has sent the preface and these settings, and no more. */
export async function openFrames(t: TestContext, port: number, values: Readonly<Record<number, number>> = {}): Promise<FrameSocket> {
  const socket = connect(port, "127.0.0.1");
  t.after(() => socket.destroy());
  const frames = new FrameSocket(socket, 0);
  await once(socket, "connect");
  frames.send(PREFACE, frame(TYPE.SETTINGS, FLAG.NONE, 0, settings(values)));
  return frames;
}

/**
 * A destination that has sent its SETTINGS, of these values, and whose every further frame is the
 * test's.
 */
export function startFrameUpstream(
  t: TestContext,
  onConnection: (frames: FrameSocket) => void,
  values: Readonly<Record<number, number>> = {},
): Promise<Upstream> {
  return startRawUpstream(t, (socket) => {
    const frames = new FrameSocket(socket, PREFACE.length);
    frames.send(frame(TYPE.SETTINGS, FLAG.NONE, 0, settings(values)));
    onConnection(frames);
  });
}
