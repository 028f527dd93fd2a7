import { constants, createServer, type Http2Server, type Http2Session, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Lifecycle } from "../calls/lifecycle.ts";
import type { ListenerObserver } from "../calls/listener-observer.ts";
import { ClientSession } from "./client-session.ts";
import {
  CONNECTION_WINDOW,
  type Http2Options,
  MAX_HEADER_LIST_SIZE,
  MAX_HEADER_PAIRS,
  MAX_INVALID_FRAMES,
  MAX_SENT_HEADER,
  MAX_SESSION_MEMORY,
} from "./options.ts";
import { resetStream } from "./reset-stream.ts";
import type { UnfinishedHeader } from "./unfinished-header.ts";

const { NGHTTP2_REFUSED_STREAM } = constants;

/** A request has come. */
export type OnStream = (
  stream: ServerHttp2Stream,
  fields: IncomingHttpHeaders,
  flags: number,
  rawFields: string[],
  client: ClientSession,
) => void;

/** Looks at the memory that headers take which are not whole yet. */
interface Beginnings {
  addBeginning(header: UnfinishedHeader): void;
  deleteBeginning(header: UnfinishedHeader): void;
}

export interface ClientSessionsOptions extends Http2Options {
  /** See ListenerOptions. */
  readonly headersTimeout: number;
  /** See ListenerOptions. */
  readonly keepAliveTimeout: number;
  /** Hears of every connection. */
  readonly unfinished: Beginnings;
}

/** Milliseconds between two looks at what the clients have sent. */
const SWEEP_INTERVAL = 1_000;
/**
 * nghttp2's own count of resets, with GOAWAY INTERNAL_ERROR: far above ours, which knows a flood
 * from callers that timed out.
 */
const NGHTTP2_RESET_BURST = 20_000;
const NGHTTP2_RESET_RATE = 10_000;

/**
 * The HTTP/2 server side: clients that speak it with prior knowledge (RFC 9113 §3.3). It does not
 * listen; connections are given to it.
 */
export class ClientSessions {
  readonly #server: Http2Server;
  readonly #sessions = new Map<Http2Session, ClientSession>();
  readonly #unfinished: Beginnings;
  /** Runs while there are sessions. */
  #sweep: NodeJS.Timeout | undefined;
  /**
   * The connection that is becoming a session, which happens at once. A session does not hand out
   * its socket once it is over.
   */
  #accepted: Socket | undefined;

  constructor(onStream: OnStream, observer: ListenerObserver, lifecycle: Lifecycle, options: ClientSessionsOptions) {
    this.#unfinished = options.unfinished;
    const limits = {
      headersTimeout: options.headersTimeout,
      keepAliveTimeout: options.keepAliveTimeout,
      resetBurst: options.resetBurst ?? 500,
      resetRate: options.resetRate ?? 100,
      maxControlFrames: options.maxControlFrames ?? 500,
    };
    this.#server = createServer({
      settings: { maxConcurrentStreams: options.maxConcurrentStreams ?? 1_000, maxHeaderListSize: MAX_HEADER_LIST_SIZE },
      maxHeaderListPairs: MAX_HEADER_PAIRS,
      maxSendHeaderBlockLength: MAX_SENT_HEADER,
      maxSessionInvalidFrames: MAX_INVALID_FRAMES,
      maxSessionMemory: MAX_SESSION_MEMORY,
      streamResetBurst: NGHTTP2_RESET_BURST,
      streamResetRate: NGHTTP2_RESET_RATE,
      // Whether a field may stand twice is for the destination to judge.
      strictSingleValueFields: false,
    });
    this.#server.on("session", (session) => {
      session.setLocalWindowSize(CONNECTION_WINDOW);
      const client = new ClientSession(session, this.#accepted ?? session.socket, limits, observer);
      this.#add(session, client);
      // Not the server's event of the same name: a stream that its client has reset by now has no
      // session any more, and its reset would not be counted.
      session.on("stream", (stream, fields, flags, rawFields) => {
        // Its code tells all there is to tell. Also where it is refused at once: an error that
        // nobody listens to would end the process.
        stream.on("error", () => {});
        if (client.opened(stream)) onStream(stream, fields, flags, rawFields, client);
        else resetStream(stream, NGHTTP2_REFUSED_STREAM);
      });
      if (lifecycle.isDraining) client.drain();
    });
  }

  #add(session: Http2Session, client: ClientSession): void {
    this.#sessions.set(session, client);
    this.#unfinished.addBeginning(client.unfinished);
    this.#sweep ??= setInterval(() => {
      for (const each of this.#sessions.values()) each.sweep();
    }, SWEEP_INTERVAL).unref();
    session.on("close", () => {
      this.#sessions.delete(session);
      this.#unfinished.deleteBeginning(client.unfinished);
      if (this.#sessions.size > 0) return;
      clearInterval(this.#sweep);
      this.#sweep = undefined;
    });
  }

  /** Takes a connection over. @param socket paused, with its first bytes unread */
  accept(socket: Socket): void {
    // An HTTP/1.1 server leaves its connections half open; a session would never hear that its
    // client has gone.
    socket.allowHalfOpen = false;
    this.#accepted = socket;
    this.#server.emit("connection", socket);
  }

  /** Tells clients to open no more streams; each connection closes with its last one. */
  drain(): void {
    for (const client of this.#sessions.values()) client.drain();
  }

  /** Closes a connection that takes nothing of what is sent. */
  cutDeaf(session: Http2Session): void {
    this.#sessions.get(session)?.cutDeaf();
  }

  /** Closes every connection now. */
  destroy(): void {
    for (const client of [...this.#sessions.values()]) client.destroy();
  }
}
