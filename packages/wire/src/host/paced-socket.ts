import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { Usage } from "./least-served.ts";
import { StreamOpenings } from "./stream-openings.ts";
import type { Opener, StreamPace } from "./stream-pace.ts";

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
 * TCP holds up the sender. All else passes at once, piece by piece as it was read.
 *
 * It has of a Duplex what Node asks of one when it makes a session (JSStreamSocket), and no more:
 * what is asked goes straight to the socket. The buffers of a Duplex, on top of those that the
 * socket has, took a fifth of the ingest of access logs.
 */
export class PacedSocket extends EventEmitter<PacedSocketEvents> implements Opener {
  readonly usage = new Usage();
  readonly socket: Socket;
  readonly #pace: StreamPace;
  readonly #openings = new StreamOpenings();
  readonly #mayOpen = () => this.#take();
  /** Chunks that wait, and what of the first one has passed. */
  #held: Buffer[] = [];
  #at = 0;
  /** Its turn has come: one stream may be opened. */
  #isNext = false;
  #isWaiting = false;
  /** The session reads no more for now. */
  #isFull = true;
  #isPaused = true;
  #isEnded = false;
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
    socket.on("error", (error) => this.emit("error", error));
    socket.on("close", () => {
      this.destroy();
      this.emit("close");
    });
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

  openOne(): boolean {
    this.#isWaiting = false;
    if (this.destroyed || this.#isFull) return false;
    this.#isNext = true;
    this.#pass();
    this.#isNext = false;
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

  destroy(): void {
    this.#held = [];
    this.#at = 0;
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
    if (chunk === undefined) return false;
    const from = this.#at;
    const end = this.#openings.pass(chunk, from, this.#mayOpen);
    const isWhole = end === chunk.length;
    this.#at = isWhole ? 0 : end;
    if (isWhole) this.#held.shift();
    if (end > from) {
      this.#passed += end - from;
      this.emit("data", from === 0 && isWhole ? chunk : chunk.subarray(from, end));
    }
    return isWhole;
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
    if (this.#isEnded && this.#held.length === 0) this.emit("end");
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
