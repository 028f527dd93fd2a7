import { connect, type Socket } from "node:net";
import { TCP_OPTIONS } from "../net/tcp-options.ts";
import type { Address } from "../resolve/resolver.ts";

/** Bytes of a frame's head (RFC 9113 §4.1). nghttp2 judges nothing before all of them are there. */
const FRAME_HEAD = 9;
/** The most that a frame may hold until SETTINGS allow more (§4.2). */
const MAX_FRAME = 16_384;
const SETTINGS = 4;
const ACK = 1;
/** What a client says first (§3.4): the preface, and SETTINGS without any. */
const CLIENT_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1");
/** Milliseconds between two looks at how much has come. */
const LOOK_AGAIN = 50;

/**
 * Whether these first bytes of a destination may be the beginning of its SETTINGS, which every
 * HTTP/2 connection begins with (RFC 9113 §3.4).
 */
export function mayBeSettings(bytes: Buffer): boolean {
  const [high = 0, middle = 0, low, type = SETTINGS, flags = 0, ...stream] = bytes.subarray(0, FRAME_HEAD);
  const atLeast = (high << 16) | (middle << 8) | (low ?? 0);
  if (atLeast > MAX_FRAME || type !== SETTINGS || (flags & ACK) !== 0) return false;
  // Six bytes for each setting (§6.5).
  if (low !== undefined && atLeast % 6 !== 0) return false;
  // The first bit of the stream is reserved and ignored.
  return stream.every((byte, at) => (at === 0 ? byte & 0x7f : byte) === 0);
}

/**
 * Notices a destination whose first bytes are no HTTP/2 and are too few for nghttp2 to say so:
 * `+PONG`, a TLS alert.
 *
 * Node hands a connection's bytes to nghttp2 and shows only how many there are. To read them first,
 * and pass them on, would cost each connection that for its whole life. So a destination that
 * stopped within its first frame's head is asked once more, by a connection whose bytes can be
 * read. One that speaks HTTP/2 slowly stands this test and is waited for.
 */
export class BeginningWatch {
  readonly #address: Address;
  readonly #watched: Socket;
  readonly #onRefuted: () => void;
  readonly #looking: NodeJS.Timeout;
  #seen = 0;
  #asking: Socket | undefined;

  /** @param onRefuted called once at most: the destination does not speak HTTP/2 */
  constructor(address: Address, watched: Socket, onRefuted: () => void) {
    this.#address = address;
    this.#watched = watched;
    this.#onRefuted = onRefuted;
    this.#looking = setInterval(() => this.#look(), LOOK_AGAIN);
  }

  /** Stops looking: the destination has said its SETTINGS, or the connection is over. */
  stop(): void {
    clearInterval(this.#looking);
    this.#asking?.destroy();
  }

  #look(): void {
    const { bytesRead } = this.#watched;
    const hasStopped = bytesRead > 0 && bytesRead === this.#seen;
    this.#seen = bytesRead;
    if (!hasStopped) return;
    clearInterval(this.#looking);
    if (bytesRead < FRAME_HEAD) this.#ask();
  }

  #ask(): void {
    const { address, port } = this.#address;
    const socket = connect({ host: address, port, ...TCP_OPTIONS });
    let begun = Buffer.alloc(0);
    this.#asking = socket
      .on("connect", () => socket.write(CLIENT_PREFACE))
      .on("data", (chunk) => {
        begun = Buffer.concat([begun, chunk]);
        const isRefuted = !mayBeSettings(begun);
        if (isRefuted || begun.length >= FRAME_HEAD) this.stop();
        if (isRefuted) this.#onRefuted();
      })
      // It proves nothing: the first connection is still there.
      .on("error", () => {});
  }
}
