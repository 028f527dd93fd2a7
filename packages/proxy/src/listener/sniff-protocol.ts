import type { Server } from "node:http";
import type { Socket } from "node:net";
import { type Listed, UnorderedList } from "../calls/unordered-list.ts";
import { failBeforeRequest, HEADER_OVERDUE } from "../http1/parser-faults.ts";

/**
 * The handler of a connection, by its first bytes. It gets the socket paused, with nothing read
 * from it.
 */
export interface ProtocolHandlers {
  http2(socket: Socket): void;
  /**
   * TLS, from the first byte of its ClientHello. Undefined: such a connection is closed, since its
   * client could not read an answer in HTTP/1.1.
   */
  readonly tls?: ((socket: Socket) => void) | undefined;
}

/** The first bytes of a client with prior knowledge of HTTP/2 (RFC 9113 §3.4). */
const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
/**
 * Content type of a TLS record with a handshake message (RFC 8446 §5.1). No method of HTTP begins
 * with it.
 */
const TLS_HANDSHAKE = 0x16;
const CR = 0x0d;
const LF = 0x0a;
/** Interval in which the timeouts of connections are checked, in milliseconds. */
const CHECK_INTERVAL = 5_000;

/** A connection whose protocol is not known yet. Times are in milliseconds of a monotonic clock. */
interface Undecided extends Listed {
  readonly socket: Socket;
  readonly openedAt: number;
  /** When the first byte of a request arrived; undefined before. */
  begunAt: number | undefined;
}

/** How long a connection may be undecided, in milliseconds. */
export interface SniffingTimes {
  /** From its first byte. Then the client gets a refusal. */
  readonly headersTimeout: number;
  /** Without any byte. Then the connection is closed without an answer: there was no request. */
  readonly idleTimeout: number;
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

/**
 * The bytes of a request: empty lines before it do not belong to it, and are skipped (RFC 9112
 * §2.2). Line ends may be mixed, as in llhttp.
 */
function withoutEmptyLines(bytes: Buffer): Buffer {
  let at = 0;
  while (bytes[at] === CR || bytes[at] === LF) at += 1;
  return at === 0 ? bytes : bytes.subarray(at);
}

function ignore(): void {}

/**
 * It is in front of an HTTP/1.1 server and removes connections with other protocols, so that one
 * port serves all of them.
 *
 * A client may connect long before its first request, as browsers and preconnecting pools do. So
 * the time for a request's header begins with its first byte. Before that, a connection counts as
 * idle.
 */
export class ProtocolSniffer {
  readonly #server: Server;
  readonly #http1: readonly unknown[];
  readonly #handlers: ProtocolHandlers;
  readonly #undecided = new UnorderedList<Undecided>();
  readonly #times: SniffingTimes;
  readonly #check: NodeJS.Timeout;

  constructor(server: Server, handlers: ProtocolHandlers, times: SniffingTimes) {
    this.#server = server;
    this.#handlers = handlers;
    this.#times = times;
    this.#http1 = server.listeners("connection");
    server.removeAllListeners("connection");
    server.on("connection", (socket: Socket) => this.#sniff(socket));
    this.#check = setInterval(() => this.#cutOverdue(), Math.min(CHECK_INTERVAL, times.headersTimeout, times.idleTimeout)).unref();
  }

  /** Closes the connections that have sent nothing yet. */
  close(): void {
    clearInterval(this.#check);
    for (const { socket } of this.#undecided.takeAll()) socket.destroy();
  }

  /**
   * Closes the connection that has been silent for longest, if that is longer than a header may
   * take. For when connections are scarce.
   *
   * @returns whether there was one
   */
  closeSilent(): boolean {
    const latest = performance.now() - this.#times.headersTimeout;
    let oldest: Undecided | undefined;
    for (const undecided of this.#undecided.list()) {
      if (undecided.begunAt === undefined && undecided.openedAt < (oldest?.openedAt ?? latest)) oldest = undecided;
    }
    if (oldest === undefined) return false;
    this.#undecided.delete(oldest);
    oldest.socket.destroy();
    return true;
  }

  #sniff(socket: Socket): void {
    const undecided: Undecided = { socket, openedAt: performance.now(), begunAt: undefined, position: -1 };
    let held: Buffer | undefined;
    let isBehindEmptyLine = false;
    const onData = (chunk: Buffer) => {
      const bytes = held === undefined ? withoutEmptyLines(chunk) : Buffer.concat([held, chunk]);
      isBehindEmptyLine ||= held === undefined && bytes !== chunk;
      if (bytes.length === 0) return;
      undecided.begunAt ??= performance.now();
      // Neither TLS nor HTTP/2 begins with an empty line.
      const protocol = isBehindEmptyLine ? "http1" : protocolOf(bytes);
      if (protocol === undefined) {
        held = bytes;
        return;
      }
      decided();
      this.#handOver(socket, protocol, bytes);
    };
    // The same as node:http's error for an incomplete header. A silent client has requested
    // nothing.
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
      // node:http listens already, so a few bytes reach its parser at once.
      socket.push(bytes);
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
    const { headersTimeout, idleTimeout } = this.#times;
    for (const undecided of this.#undecided.list()) {
      const { socket, openedAt, begunAt } = undecided;
      const isOverdue = begunAt === undefined ? now - openedAt >= idleTimeout : now - begunAt >= headersTimeout;
      if (!isOverdue) continue;
      this.#undecided.delete(undecided);
      if (begunAt === undefined) socket.destroy();
      else failBeforeRequest(this.#server, socket, HEADER_OVERDUE, "the first bytes did not come in time");
    }
  }
}
