import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { Usage } from "./least-served.ts";
import { StreamOpenings } from "./stream-openings.ts";
import { type Opener, STREAMS_OF_A_CONNECTION, type StreamPace } from "./stream-pace.ts";

type Done = (error?: Error | null) => void;

interface PacedSocketEvents {
  data: [chunk: Buffer];
  end: [];
  error: [error: Error];
  close: [];
}

/**
 * A socket whose HTTP/2 session hears of new streams at the pace of its host.
 *
 * One read has some 2,000 HEADERS, and each costs Node about 45 µs before anybody can object. So
 * the bytes from the first HEADERS that is too much for this turn of the event loop wait here,
 * before the session sees them. The socket is paused meanwhile: no more waits than two reads, and
 * TCP holds up the sender. The first bytes of a connection and the news of its end wait likewise:
 * thousands may begin or end at once. All else passes at once, piece by piece as it was read.
 *
 * It has of a Duplex what Node asks of one when it makes a session (JSStreamSocket), and no more:
 * what is asked goes straight to the socket. The buffers of a Duplex, on top of those that the
 * socket has, took a fifth of the ingest of access logs.
 */
export class PacedSocket extends EventEmitter<PacedSocketEvents> implements Opener {
  /** Of this connection, or of a peer that has several. */
  usage: Usage = new Usage();
  readonly socket: Socket;
  readonly #pace: StreamPace;
  readonly #openings = new StreamOpenings();
  readonly #mayPass = () => this.#take();
  /** Chunks that wait, and what of the first one has passed. */
  #held: Buffer[] = [];
  #at = 0;
  /** Its turn has come: one stream may be opened. */
  #isNext = false;
  #isWaiting = false;
  /** The session reads no more for now. */
  #isFull = true;
  #isPaused = true;
  #isBegun = false;
  #isEnded = false;
  #isEndTold = false;
  #isClosed = false;
  #error: Error | undefined;
  #passed = 0;

  /**
   * @param socket that its server lets be half open: what waits is passed on before the end of it
   * is told
   */
  constructor(socket: Socket, pace: StreamPace) {
    super();
    this.socket = socket;
    this.#pace = pace;
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("end", () => {
      this.#isEnded = true;
      this.#tellEnd();
    });
    socket.on("error", (error) => {
      this.#error = error;
    });
    socket.on("close", () => this.#closed());
    socket.pause();
  }

  /**
   * Bytes that the session was given. Those that wait are not counted: nobody can tell yet what
   * they are good for.
   */
  get bytesRead(): number {
    return this.#passed;
  }

  /** Bytes that wait, beside what the socket itself holds. */
  get heldBytes(): number {
    return this.#held.reduce((sum, { length }) => sum + length, 0) - this.#at;
  }

  get nextCost(): number {
    return this.#isBegun && this.#held.length > 0 ? 1 : STREAMS_OF_A_CONNECTION;
  }

  openOne(): boolean {
    this.#isWaiting = false;
    this.#isNext = true;
    if (this.#isClosed) this.#tellClosed();
    else if (!this.destroyed) {
      this.#pass();
      this.#tellEnd();
    }
    this.#isNext = false;
    // Its end may have been put into the queue.
    if (this.#isWaiting) return false;
    this.#isWaiting = this.#held.length > 0 && !this.#isFull;
    return this.#isWaiting;
  }

  get destroyed(): boolean {
    return this.socket.destroyed;
  }

  get readable(): boolean {
    return this.socket.readable;
  }

  get writable(): boolean {
    return this.socket.writable;
  }

  pause(): void {
    this.#isFull = true;
    this.#pause();
  }

  resume(): void {
    this.#isFull = false;
    if (this.#held.length > 0) this.#wait();
    else this.#flow();
  }

  write(chunk: Uint8Array, done: Done): boolean {
    return this.socket.write(chunk, done);
  }

  cork(): void {
    this.socket.cork();
  }

  uncork(): void {
    this.socket.uncork();
  }

  end(done: () => void): void {
    this.socket.end(done);
  }

  /** What the session does by itself waits for nothing. */
  destroy(): void {
    this.#drop();
    this.#isEndTold = true;
    this.socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.destroyed) return;
    this.#held.push(chunk);
    if (!this.#isWaiting && !this.#isFull) this.#pass();
    if (this.#held.length > 0 && !this.#isFull) this.#wait();
    if (this.#held.length > 0 || this.#isFull) this.#pause();
  }

  /** Passes on what may pass. */
  #pass(): void {
    while (!this.#isFull && this.#passChunk());
    if (this.#held.length > 0 || this.#isFull) return;
    this.#tellEnd();
    this.#flow();
  }

  /** Returns whether a whole chunk has passed, and another one may. */
  #passChunk(): boolean {
    const chunk = this.#held[0];
    if (chunk === undefined || !this.#begins()) return false;
    const from = this.#at;
    const end = this.#openings.pass(chunk, from, this.#mayPass);
    const isWhole = end === chunk.length;
    this.#at = isWhole ? 0 : end;
    if (isWhole) this.#held.shift();
    if (end > from) {
      this.#passed += end - from;
      this.emit("data", from === 0 && isWhole ? chunk : chunk.subarray(from, end));
    }
    return isWhole;
  }

  /** Its turn to begin is one for its first stream, too. */
  #begins(): boolean {
    this.#isBegun ||= this.#isNext || this.#pace.take(this, STREAMS_OF_A_CONNECTION);
    return this.#isBegun;
  }

  #take(): boolean {
    if (!this.#isNext) return this.#pace.take(this);
    this.#isNext = false;
    return true;
  }

  #wait(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#pace.wait(this);
  }

  #tellEnd(): void {
    if (!this.#isEnded || this.#isEndTold || this.#held.length > 0) return;
    if (!this.#isNext && !this.#pace.take(this, STREAMS_OF_A_CONNECTION)) {
      this.#wait();
      return;
    }
    this.#isEndTold = true;
    this.emit("end");
  }

  #closed(): void {
    this.#drop();
    this.#isClosed = true;
    if (this.#isEndTold || this.#pace.take(this, STREAMS_OF_A_CONNECTION)) this.#tellClosed();
    else this.#wait();
  }

  #tellClosed(): void {
    if (this.#error !== undefined) this.emit("error", this.#error);
    this.emit("close");
  }

  #drop(): void {
    this.#held = [];
    this.#at = 0;
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.socket.pause();
  }

  #flow(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.socket.resume();
  }
}
