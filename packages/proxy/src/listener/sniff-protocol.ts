import type { Server } from "node:http";
import type { Socket } from "node:net";
import { type Listed, UnorderedList } from "../calls/unordered-list.ts";
import { failBeforeRequest, HEADER_OVERDUE } from "../http1/parser-faults.ts";

/**
 * Who takes a connection, by its first bytes. A socket is handed over paused, with nothing read off
 * it.
 */
export interface ProtocolHandlers {
  http2(socket: Socket): void;
  /**
   * TLS, from the first byte of its ClientHello on. Undefined closes such a connection: it could
   * not read an answer in HTTP/1.1.
   */
  readonly tls?: ((socket: Socket) => void) | undefined;
}

/** What a client sends first when it knows that the server speaks HTTP/2 (RFC 9113 §3.4). */
const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
/**
 * Content type of a TLS record with a handshake message (RFC 8446 §5.1). No method of HTTP begins
 * with it.
 */
const TLS_HANDSHAKE = 0x16;
/** How often connections are looked through for the timeout, in milliseconds. */
const CHECK_INTERVAL = 5_000;

/** A connection whose protocol is not known yet. */
interface Undecided extends Listed {
  readonly socket: Socket;
  /** When it began, in milliseconds of a monotonic clock. */
  readonly since: number;
}

type Protocol = "http1" | "http2" | "tls";

/** @returns undefined while it may still become HTTP/2 */
function protocolOf(bytes: Buffer): Protocol | undefined {
  const first = bytes[0];
  if (first === TLS_HANDSHAKE) return "tls";
  // Most methods differ from the preface in their first letter.
  if (first !== HTTP2_PREFACE[0]) return "http1";
  const length = Math.min(bytes.length, HTTP2_PREFACE.length);
  if (bytes.compare(HTTP2_PREFACE, 0, length, 0, length) !== 0) return "http1";
  return length === HTTP2_PREFACE.length ? "http2" : undefined;
}

function ignore(): void {}

/**
 * Stands in front of an HTTP/1.1 server and takes away the connections that speak something else,
 * so that one port serves all of them.
 */
export class ProtocolSniffer {
  readonly #server: Server;
  readonly #http1: readonly unknown[];
  readonly #handlers: ProtocolHandlers;
  readonly #undecided = new UnorderedList<Undecided>();
  readonly #timeout: number;
  readonly #check: NodeJS.Timeout;

  /** @param timeout milliseconds for a client to say what it speaks */
  constructor(server: Server, handlers: ProtocolHandlers, timeout: number) {
    this.#server = server;
    this.#handlers = handlers;
    this.#timeout = timeout;
    this.#http1 = server.listeners("connection");
    server.removeAllListeners("connection");
    server.on("connection", (socket: Socket) => this.#sniff(socket));
    this.#check = setInterval(() => this.#cutOverdue(), Math.min(CHECK_INTERVAL, timeout)).unref();
  }

  /** Closes the connections that said nothing yet. */
  close(): void {
    clearInterval(this.#check);
    for (const { socket } of this.#undecided.takeAll()) socket.destroy();
  }

  #sniff(socket: Socket): void {
    const undecided: Undecided = { socket, since: performance.now(), position: -1 };
    let held: Buffer | undefined;
    const onData = (chunk: Buffer) => {
      const bytes = held === undefined ? chunk : Buffer.concat([held, chunk]);
      const protocol = protocolOf(bytes);
      if (protocol === undefined) {
        held = bytes;
        return;
      }
      decided();
      this.#handOver(socket, protocol, bytes);
    };
    // As node:http says it of a header that breaks off. Whoever said nothing asked for nothing.
    const drop = () =>
      held === undefined ? socket.destroy() : failBeforeRequest(this.#server, socket, "HPE_INVALID_EOF_STATE", "the first bytes broke off");
    const decided = () => {
      this.#undecided.delete(undecided);
      socket.off("data", onData).off("end", drop).off("close", decided).off("error", ignore);
    };
    this.#undecided.add(undecided);
    socket.on("error", ignore).on("close", decided).on("end", drop).on("data", onData);
  }

  #handOver(socket: Socket, protocol: Protocol, bytes: Buffer): void {
    if (protocol === "http1") {
      for (const listener of this.#http1) if (typeof listener === "function") Reflect.apply(listener, this.#server, [socket]);
      // node:http listens by now, so this reaches its parser at once.
      socket.unshift(bytes);
      return;
    }
    socket.pause();
    socket.unshift(bytes);
    if (protocol === "http2") this.#handlers.http2(socket);
    else if (this.#handlers.tls !== undefined) this.#handlers.tls(socket);
    else socket.destroy();
  }

  #cutOverdue(): void {
    const now = performance.now();
    for (const undecided of this.#undecided.list()) {
      if (now - undecided.since < this.#timeout) continue;
      this.#undecided.delete(undecided);
      failBeforeRequest(this.#server, undecided.socket, HEADER_OVERDUE, "the first bytes did not come in time");
    }
  }
}
