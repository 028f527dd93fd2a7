import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { unparsedBytes } from "@fenceline/wire/sliced-reading";
import { type Listed, UnorderedList } from "../calls/unordered-list.ts";
import { MEMORY_PER_HEADER_BYTE } from "../load/header-memory.ts";
import type { Holder } from "../load/held-memory.ts";

/** What the listener knows of its connections. */
export interface HeaderReader {
  /** Whether a request of this connection is open. What it holds is told by its call. */
  isServing(socket: Socket): boolean;
  /** Refuses the request whose header does not come to its end. */
  refuse(socket: Socket): void;
}

/** The header that is to come next on one connection, or has come in part. */
class NextHeader implements Holder, Listed {
  readonly socket: Socket;
  position = -1;
  /**
   * Bytes that were read before this header; infinite while the body of the request before is still
   * coming.
   */
  begin = 0;
  readonly #reader: HeaderReader;
  #refused = false;

  constructor(socket: Socket, reader: HeaderReader) {
    this.socket = socket;
    this.#reader = reader;
  }

  get heldBytes(): number {
    return this.#reader.isServing(this.socket) ? 0 : Math.max(0, this.socket.bytesRead - this.begin) * MEMORY_PER_HEADER_BYTE;
  }

  /**
   * Grows with each request, and stands still while a header comes, however much of it: nothing is
   * done with it before its end.
   */
  get takenBytes(): number {
    return this.begin;
  }

  /**
   * The first time the client hears of it. The second time it has had its time to take the answer.
   */
  giveUp(): void {
    if (this.#refused) {
      this.socket.destroy();
      return;
    }
    this.#refused = true;
    this.#reader.refuse(this.socket);
  }
}

/** Something of which no call is known before it is whole. */
type Beginning = Holder & Listed;

/** Bytes of a ClientHello as it came, with all that one read may bring, and put together. */
const MOST_OF_A_HELLO = 160 * 1024;

/**
 * What has come of headers that are not whole yet, on all HTTP/1.1 connections. node:http keeps it,
 * up to the limit of a header for each connection, and has no call yet that could be counted. And
 * what has come of TLS before its ClientHello is whole, and of HTTP/2's headers.
 *
 * Nothing is counted as bytes come. After an answer the bytes read so far are noted, once; all else
 * is asked of the sockets when somebody looks. What came in one piece with the request before is
 * taken for a part of that.
 */
export class UnfinishedHeaders {
  /** Bytes that one connection can hold. */
  readonly mostEach: number;
  readonly #beginnings = new UnorderedList<Beginning>();
  readonly #ofSocket = new WeakMap<Duplex, NextHeader>();

  /** @param maxHeaderSize bytes of a header */
  constructor(maxHeaderSize: number) {
    this.mostEach = Math.max(maxHeaderSize * MEMORY_PER_HEADER_BYTE, MOST_OF_A_HELLO);
  }

  /** Connections of HTTP/1.1 and HTTP/2, whatever they do, and hellos. */
  get size(): number {
    return this.#beginnings.size;
  }

  /** Those of which something has come. */
  holders(): readonly Holder[] {
    return this.#beginnings.list().filter(({ heldBytes }) => heldBytes > 0);
  }

  /** A ClientHello begins, or an HTTP/2 connection. */
  addBeginning(beginning: Beginning): void {
    this.#beginnings.add(beginning);
  }

  /** It is whole, or nobody waits for the rest of it. */
  deleteBeginning(beginning: Beginning): void {
    this.#beginnings.delete(beginning);
  }

  /** A connection begins. */
  add(socket: Socket, reader: HeaderReader): void {
    const header = new NextHeader(socket, reader);
    this.#beginnings.add(header);
    this.#ofSocket.set(socket, header);
    socket.once("close", () => this.#beginnings.delete(header));
  }

  /** node:http does not read this connection any more. */
  delete(socket: Duplex): void {
    const header = this.#ofSocket.get(socket);
    if (header !== undefined) this.#beginnings.delete(header);
  }

  /** A request of this connection was answered: what comes behind it is the next one. */
  answered(request: IncomingMessage): void {
    const header = this.#ofSocket.get(request.socket);
    if (header === undefined) return;
    if (request.complete) {
      header.begin = parsedBytes(header.socket);
      return;
    }
    header.begin = Number.POSITIVE_INFINITY;
    request.once("close", () => {
      header.begin = parsedBytes(header.socket);
    });
  }
}

function parsedBytes(socket: Socket): number {
  return socket.bytesRead - unparsedBytes(socket);
}
