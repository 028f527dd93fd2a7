import type { ClientHttp2Stream, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { NEVER_AN_ANSWER_TRAILER } from "../destination/answer-trailers.ts";
import { fieldMemory } from "../load/header-memory.ts";
import { pushJoining, releaseJoined, unreadBytes } from "../net/joined-reading.ts";
import { MOST_PIECES } from "../net/pieces.ts";
import { allowedFields, areTooLarge } from "./fields.ts";
import type { ReadingTurns } from "./reading-turns.ts";
import { HEADER_ONLY, respond, sendTrailers, WITH_BODY, WITH_TRAILERS } from "./respond.ts";
import type { StalledStreams } from "./stalled-streams.ts";

/**
 * Answers whose header waits for the end of the turn of the event loop. One timer serves all of
 * them.
 */
let gathering: AnswerRelay[] = [];

function flushGathering(): void {
  const relays = gathering;
  gathering = [];
  for (const relay of relays) relay.flush();
}

/** Answers that came whole. */
const whole = new WeakSet<ClientHttp2Stream>();

/**
 * Counts the DATA frames of this stream's answer, and notes when the last one comes. Called before
 * any frame of it can come.
 *
 * Node ends the reading of a stream alike when its last frame has come and when the destination
 * resets it with NO_ERROR. Only in the second case is the stream closed by then.
 */
export function noteFrames(stream: ClientHttp2Stream, reading: ReadingTurns): void {
  stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk !== null) reading.data();
    else if (!stream.closed) whole.add(stream);
    return pushJoining.call(stream, chunk, encoding);
  };
}

/** The connection that an answer comes by. */
export interface AnswerSource {
  /** HEADERS or DATA have come. */
  heard(): void;
}

/** Whom an answer goes to. */
export interface AnswerReader {
  /** So much of the body is sent in one piece. */
  sent(bytes: number): void;
}

/**
 * The header, body and trailers of an answer on their way to the client, as they come and as fast
 * as both sides take them.
 */
export class AnswerRelay {
  readonly #source: AnswerSource;
  readonly #from: ClientHttp2Stream;
  readonly #to: ServerHttp2Stream;
  readonly #reader: AnswerReader;
  readonly #stalled: StalledStreams;
  readonly #onEnd: () => void;
  /**
   * The header, until it is sent: a small answer is complete by the end of the turn, and only then
   * is it known whether it has trailers.
   */
  #head: readonly string[] | undefined;
  #first: Buffer | undefined;
  #trailers: OutgoingHttpHeaders | undefined;
  /** Header and trailers as they came, for who asks what they take. */
  #fields: readonly string[] = [];
  #rawTrailers: readonly string[] = [];
  #ended = false;
  #received = 0;
  /** Pieces that were written and that the client has not taken. */
  #pieces = 0;

  /** @param onEnd called when the answer has come whole and is on its way */
  constructor(
    source: AnswerSource,
    from: ClientHttp2Stream,
    to: ServerHttp2Stream,
    reader: AnswerReader,
    stalled: StalledStreams,
    onEnd: () => void,
  ) {
    this.#source = source;
    this.#from = from;
    this.#to = to;
    this.#reader = reader;
    this.#stalled = stalled;
    this.#onEnd = onEnd;
  }

  /** Bytes of the body that have come and that the client has not taken. */
  get waiting(): number {
    return unreadBytes(this.#from) + this.#to.writableLength;
  }

  /**
   * Bytes that header and trailers take. They are under no flow control, so a client that reads
   * nothing has them pile up here; and Node keeps them until the stream is closed.
   */
  get fieldBytes(): number {
    return fieldMemory(this.#fields) + fieldMemory(this.#rawTrailers);
  }

  /** Bytes of the body that the client has taken. */
  get taken(): number {
    return this.#received - this.#to.writableLength;
  }

  /**
   * @param head flat list of names and values
   * @param headerOnly whether no body can follow
   */
  begin(head: readonly string[], headerOnly: boolean): void {
    const from = this.#from;
    this.#fields = head;
    if (headerOnly) {
      respond(this.#to, head, HEADER_ONLY);
      this.#ended = true;
      from.resume();
      this.#onEnd();
      return;
    }
    this.#head = head;
    if (gathering.push(this) === 1) setImmediate(flushGathering);
    from.on("data", this.#onData);
    from.on("trailers", (trailers, _flags, rawTrailers) => {
      this.#source.heard();
      // They cannot be sent, and without them the answer is not whole.
      if (areTooLarge(rawTrailers)) whole.delete(from);
      this.#trailers = allowedFields(trailers, rawTrailers, NEVER_AN_ANSWER_TRAILER);
      this.#rawTrailers = rawTrailers;
    });
    from.on("end", () => {
      // Of an answer that was broken off, "close" tells.
      if (whole.has(from)) this.#end();
      // Node waits for the end of an upload that nobody takes any more.
      if (from.closed) from.destroy();
    });
  }

  /** Sends what was held back. */
  flush(): void {
    const head = this.#head;
    if (head === undefined) return;
    this.#head = undefined;
    if (!this.#writable) return;
    if (!respond(this.#to, head, WITH_TRAILERS)) return;
    if (this.#first !== undefined) this.#write(this.#first);
    this.#first = undefined;
  }

  /**
   * The destination's stream is closed. Node throws away what was not read yet when the destination
   * resets it with an error, even behind its last frame, or when the connection ends; it stays
   * readable anyway. It is at most a stream's window.
   */
  close(): void {
    if (this.#ended) return;
    const from = this.#from.off("data", this.#onData);
    releaseJoined(from);
    for (let chunk = from.read(); chunk !== null; chunk = from.read()) this.#onData(chunk);
    if (whole.has(from)) this.#end();
    else this.flush();
  }

  get #writable(): boolean {
    return !this.#to.destroyed && !this.#to.closed;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#source.heard();
    this.#reader.sent(chunk.length);
    this.#received += chunk.length;
    if (this.#head !== undefined && this.#first === undefined) {
      this.#first = chunk;
      return;
    }
    this.flush();
    if (this.#writable) this.#write(chunk);
  };

  /**
   * Back-pressure: a client that reads slowly stops the reading from the destination, and with it
   * the destination. By pieces, too: of one byte each, they cost more than their bytes tell.
   */
  #write(chunk: Buffer): void {
    this.#pieces += 1;
    const mayWrite = this.#to.write(chunk, this.#onTaken);
    if (mayWrite && this.#pieces < MOST_PIECES) return;
    this.#stalled.watch(this.#to);
    this.#from.pause();
  }

  /** The client has taken a piece, or its stream is over. */
  readonly #onTaken = (): void => {
    this.#pieces -= 1;
    if (this.#pieces > 0 || !this.#from.isPaused()) return;
    this.#stalled.forget(this.#to);
    this.#from.resume();
  };

  #end(): void {
    this.#ended = true;
    if (this.#writable) this.#sendEnd(this.#to);
    this.#onEnd();
  }

  #sendEnd(to: ServerHttp2Stream): void {
    const trailers = this.#trailers;
    if (trailers !== undefined) to.once("wantTrailers", () => sendTrailers(to, trailers));
    const head = this.#head;
    this.#head = undefined;
    if (head !== undefined && !respond(to, head, trailers === undefined ? WITH_BODY : WITH_TRAILERS)) return;
    if (this.#first === undefined) to.end();
    else to.end(this.#first);
    this.#first = undefined;
    // A client that opens no window would keep the rest here for ever.
    if (to.writableLength > 0) this.#stalled.watch(to);
  }
}
