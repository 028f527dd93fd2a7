import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { Usage } from "./least-served.ts";
import { StreamOpenings } from "./stream-openings.ts";
import { DATA_AT_ONCE, type Opener, STREAMS_OF_A_CONNECTION, type StreamPace } from "./stream-pace.ts";

type Done = (error?: Error | null) => void;

interface PacedSocketEvents {
  data: [chunk: Buffer];
  end: [];
  error: [error: Error];
  close: [];
}

/**
 * A socket whose HTTP/2 session gets new streams at the pace of its host.
 *
 * One read may have some 2,000 HEADERS, each of which costs Node about 45 µs before it can be
 * refused; or 6,500 DATA frames of one byte, of 4 µs each. So the bytes from the first frame that
 * is too much for this turn of the event loop wait here, before the session sees them. Meanwhile
 * the socket is paused: at most two reads wait, and TCP slows down the sender. The first bytes of a
 * connection wait too, and so does its end: thousands may begin or end at once. Everything else
 * passes at once, piece by piece as it was read.
 *
 * It implements only those methods of a Duplex that Node calls for a session (JSStreamSocket), and
 * forwards them to the socket. The buffers of a real Duplex, beside those of the socket, took a
 * fifth of the CPU of access logs.
 */
export class PacedSocket extends EventEmitter<PacedSocketEvents> implements Opener {
  readonly socket: Socket;
  readonly #pace: StreamPace;
  readonly #dataPace: StreamPace;
  readonly #openings = new StreamOpenings();
  readonly #mayPass = (isData: boolean) => {
    this.#isAtData = isData;
    return isData ? this.#takeData() : this.#take();
  };
  /** How it waits with DATA. */
  readonly #data = { usage: new Usage(), nextCost: DATA_AT_ONCE, openOne: () => this.#openData() };
  /** Chunks that wait, and how many bytes of the first one have passed. */
  #held: Buffer[] = [];
  #at = 0;
  /** It has its turn: one stream may be opened. */
  #isNext = false;
  /** DATA frames that may pass in its turn. */
  #dataLeft = 0;
  /** Whether it is in one of the two queues. */
  #isWaiting = false;
  /** Whether the first frame that waits is DATA. */
  #isAtData = false;
  /** Whether the session does not read for now. */
  #isFull = true;
  #isPaused = true;
  #isBegun = false;
  #isEnded = false;
  #isEndTold = false;
  /** Whether our own side has ended. */
  #isOver = false;
  #isClosed = false;
  #isCloseTold = false;
  #error: Error | undefined;
  #passed = 0;

  /**
   * @param socket one that may be half open: what waits is passed on before its end is reported
   * @param pace of streams @param dataPace of DATA frames
   */
  constructor(socket: Socket, pace: StreamPace, dataPace: StreamPace) {
    super();
    this.socket = socket;
    this.#pace = pace;
    this.#dataPace = dataPace;
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

  /** Of this connection, or of a peer that has several. */
  get usage(): Usage {
    return this.#data.usage;
  }

  set usage(usage: Usage) {
    this.#data.usage = usage;
  }

  /**
   * Bytes that the session was given. Those that wait are not counted: nobody knows yet what they
   * contain.
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
    return this.#waitsOn(false);
  }

  #openData(): boolean {
    this.#isWaiting = false;
    if (this.#isClosed) this.#end();
    else if (!this.destroyed) {
      this.#dataLeft = DATA_AT_ONCE;
      this.#pass();
      this.#dataLeft = 0;
    }
    return this.#waitsOn(true);
  }

  /** Whether it stays in its queue. It may have to change to the other one. */
  #waitsOn(isDatas: boolean): boolean {
    // Its end may have been put into the queue.
    if (this.#isWaiting || this.#held.length === 0 || this.#isFull) return false;
    if (this.#isAtData !== isDatas) this.#wait();
    this.#isWaiting = true;
    return this.#isAtData === isDatas;
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

  /** Writes after our own end are dropped. */
  write(chunk: Uint8Array, done: Done): boolean {
    if (!this.#isOver) return this.socket.write(chunk, done);
    done();
    return true;
  }

  cork(): void {
    this.socket.cork();
  }

  uncork(): void {
    this.socket.uncork();
  }

  end(done: () => void): void {
    this.#isOver = true;
    this.socket.end(done);
  }

  /** What the session does by itself is not delayed. */
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

  /** Passes on what may pass now. */
  #pass(): void {
    while (!this.#isFull && this.#passChunk());
    if (this.#held.length > 0 || this.#isFull) return;
    this.#tellEnd();
    this.#flow();
  }

  /** Returns whether a whole chunk has passed, so that another one may. */
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

  /** When its turn to begin comes, its first stream may begin too. */
  #begins(): boolean {
    this.#isBegun ||= this.#isNext || this.#pace.take(this, STREAMS_OF_A_CONNECTION);
    this.#isAtData &&= this.#isBegun;
    return this.#isBegun;
  }

  #take(): boolean {
    if (!this.#isNext) return this.#pace.take(this);
    this.#isNext = false;
    return true;
  }

  #takeData(): boolean {
    if (this.#dataLeft === 0) return this.#dataPace.take(this.#data);
    this.#dataLeft -= 1;
    return true;
  }

  #wait(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    if (this.#held.length > 0 && this.#isAtData) this.#dataPace.wait(this.#data);
    else this.#pace.wait(this);
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
    this.#end();
  }

  #end(): void {
    if (this.#isEndTold || this.#pace.take(this, STREAMS_OF_A_CONNECTION)) this.#tellClosed();
    else this.#wait();
  }

  #tellClosed(): void {
    if (this.#isCloseTold) return;
    this.#isCloseTold = true;
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
