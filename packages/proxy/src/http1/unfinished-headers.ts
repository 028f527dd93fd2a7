import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { unparsedBytes } from "@fenceline/wire/sliced-reading";
import { type Listed, UnorderedList } from "../calls/unordered-list.ts";
import { MEMORY_PER_HEADER_BYTE } from "../load/header-memory.ts";
import type { Holder } from "../load/held-memory.ts";

/** What the listener knows about its connections. */
export interface HeaderReader {
  /** Whether a request of this connection is open. Then its call reports what it holds. */
  isServing(socket: Socket): boolean;
  /** Refuses the request whose header does not become complete. */
  refuse(socket: Socket): void;
}

/** The next header of one connection, of which a part may have arrived. */
class NextHeader implements Holder, Listed {
  readonly socket: Socket;
  position = -1;
  /**
   * Bytes that were read before this header; infinite while the body of the request before is still
   * arriving.
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
   * Grows with each request, and not while a header arrives: it is not processed before its end.
   */
  get takenBytes(): number {
    return this.begin;
  }

  /**
   * The first time the client gets a refusal. The second time the connection is closed: the client
   * has had its time to read it.
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

/** Something that has no call before it is complete. */
type Beginning = Holder & Listed;

/** Most bytes of a ClientHello: as it arrived, with everything of one read, and put together. */
const MOST_OF_A_HELLO = 160 * 1024;

/**
 * Incomplete headers of all HTTP/1.1 connections. node:http keeps them, up to the limit of a header
 * for each connection, and there is no call yet that could count them. Also incomplete
 * ClientHellos, and incomplete headers of HTTP/2.
 *
 * Arriving bytes are not counted. After an answer the bytes read so far are noted, once. Everything
 * else is read from the sockets at a check. Bytes that arrived in one piece with the request before
 * count as part of that.
 */
export class UnfinishedHeaders {
  /** Most bytes that one connection can hold. */
  readonly mostEach: number;
  readonly #beginnings = new UnorderedList<Beginning>();
  readonly #ofSocket = new WeakMap<Duplex, NextHeader>();

  /** @param maxHeaderSize bytes of a header */
  constructor(maxHeaderSize: number) {
    this.mostEach = Math.max(maxHeaderSize * MEMORY_PER_HEADER_BYTE, MOST_OF_A_HELLO);
  }

  /** Number of connections of HTTP/1.1 and HTTP/2, and of ClientHellos. */
  get size(): number {
    return this.#beginnings.size;
  }

  /** Those of which something has arrived. */
  holders(): readonly Holder[] {
    return this.#beginnings.list().filter(({ heldBytes }) => heldBytes > 0);
  }

  /** A ClientHello begins, or an HTTP/2 connection. */
  addBeginning(beginning: Beginning): void {
    this.#beginnings.add(beginning);
  }

  /** It is complete, or its rest is not needed. */
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

  /** node:http no longer reads this connection. */
  delete(socket: Duplex): void {
    const header = this.#ofSocket.get(socket);
    if (header !== undefined) this.#beginnings.delete(header);
  }

  /** A request of this connection was answered: the next bytes are the next request. */
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
