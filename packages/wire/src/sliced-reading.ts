import { Socket } from "node:net";
import { Readable } from "node:stream";

/**
 * Shares the event loop between connections whose bytes cause many callbacks of node:http's parser.
 *
 * The parser calls back for each chunk of a body and for each request, and does not stop within its
 * input. libuv reads up to 2 MiB of one connection in a row, in pieces of 64 KiB, and gives them to
 * the parser without JavaScript in between. So one client with chunks of one byte, or with requests
 * that are refused at once, kept all others waiting for a second (T-09).
 *
 * Such a connection is read through `push` instead, and its bytes go to the parser in slices of few
 * lines. A turn of the event loop ends after enough callbacks; the rest waits for the next turns,
 * connection by connection. All other connections are read as usual.
 */

/**
 * Line ends of one slice. A chunk has at least two and a request at least three, so a slice has at
 * most 32 chunks, and most headers fit into one slice.
 */
const LINES = 64;
/** What a slice counts: it has a cost even if its body is discarded, which causes no callback. */
const PER_SLICE = 4;
/** What a request counts. One piece of a body counts 1, some 8 µs. */
const PER_REQUEST = 10;
/** Most that one connection may count before another one has its turn. */
const MOST_EACH = 128;
/** Most that all connections with waiting slices may count in one turn of the event loop. */
const MOST_IN_ALL = 512;

const LF = 0x0a;
const STATE = Symbol("reading in slices");

/** A socket for which {@link sliceReading} was called. */
type Sliced = Socket & { [STATE]?: Reading };

/** The state of reading one connection. */
class Reading {
  /** Bytes that wait for the parser. */
  held: Buffer | undefined;
  /** What it has counted in this turn. */
  told = 0;
  turn = 0;
  /** Whether it is read through `push`. */
  isByPush = false;
  awaitsResume = false;
  /** `bytesRead` when the last request began. */
  requestAt = -1;
}

const { push } = Readable.prototype;
const { _read } = Socket.prototype;

let turn = 0;
let told = 0;
let isScheduled = false;
/** Connections with slices to be parsed, in the order of their turns. */
const waiting = new Set<Sliced>();

/** Reads a connection in slices where this is needed. Called before node:http reads from it. */
export function sliceReading(socket: Socket): void {
  socket.push = pushSliced;
  socket._read = readUnlessHeld;
}

/**
 * The same from the first byte, for a port with few requests. Called when node:http reads from the
 * connection already.
 */
export function readInSlices(socket: Socket): void {
  sliceReading(socket);
  readByPush(socket, readingOf(socket));
}

/** node:http does not read this connection any more: what waits is given out next. */
export function endSlicing(socket: Sliced): void {
  Reflect.deleteProperty(socket, "push");
  Reflect.deleteProperty(socket, "_read");
  waiting.delete(socket);
  const held = takeHeld(socket);
  if (held !== undefined) socket.push(held);
}

/** Bytes of a connection that wait for the parser. */
export function unparsedBytes(socket: Sliced): number {
  return socket[STATE]?.held?.length ?? 0;
}

/** The parser has called back for a piece of a body. */
export function pieceTold(socket: Sliced): void {
  count(socket, readingOf(socket), 1);
}

/**
 * A request has begun.
 *
 * @param isChunked whether its body comes in chunks, of whatever size
 */
export function requestTold(socket: Sliced, isChunked: boolean): void {
  const reading = readingOf(socket);
  if (isChunked) readByPush(socket, reading);
  const { bytesRead } = socket;
  // The first request of a read costs as much as the read.
  if (bytesRead === reading.requestAt) count(socket, reading, PER_REQUEST);
  reading.requestAt = bytesRead;
}

function count(socket: Sliced, reading: Reading, much: number): void {
  schedule();
  told += much;
  if (reading.turn !== turn) reading.told = 0;
  reading.turn = turn;
  reading.told += much;
  if (reading.told > MOST_EACH) readByPush(socket, reading);
}

function readingOf(socket: Sliced): Reading {
  socket[STATE] ??= new Reading();
  return socket[STATE];
}

/** node:http detaches its parser from the handle when somebody listens to the bytes. */
function readByPush(socket: Sliced, reading: Reading): void {
  if (reading.isByPush) return;
  reading.isByPush = true;
  socket.on("data", ignore).off("data", ignore);
}

function ignore(): void {}

function pushSliced(this: Sliced, chunk: unknown, encoding?: BufferEncoding): boolean {
  if (!Buffer.isBuffer(chunk) || this.readableFlowing === null) {
    const held = takeHeld(this);
    if (held !== undefined) push.call(this, held);
    return push.call(this, chunk, encoding);
  }
  const reading = readingOf(this);
  if (reading.held !== undefined) {
    reading.held = Buffer.concat([reading.held, chunk]);
    return false;
  }
  if (this.readableFlowing && endOfSlice(chunk) === chunk.length) return push.call(this, chunk);
  reading.held = chunk;
  return give(this, reading);
}

/** Nothing is read while something waits. */
function readUnlessHeld(this: Sliced, size: number): void {
  if (this[STATE]?.held === undefined) _read.call(this, size);
}

/** @returns whether more may be read */
function give(socket: Sliced, reading: Reading): boolean {
  const before = told;
  let mayRead = false;
  schedule();
  while (reading.held !== undefined && socket.readableFlowing && told < MOST_IN_ALL && told - before < MOST_EACH) {
    const { held } = reading;
    const end = endOfSlice(held);
    reading.held = end < held.length ? held.subarray(end) : undefined;
    told += PER_SLICE;
    mayRead = push.call(socket, held.subarray(0, end));
  }
  if (reading.held === undefined) return mayRead;
  wait(socket, reading);
  return false;
}

function wait(socket: Sliced, reading: Reading): void {
  // What comes next must not overtake this.
  readByPush(socket, reading);
  if (socket.destroyed) reading.held = undefined;
  else if (socket.readableFlowing) waiting.add(socket);
  else if (!reading.awaitsResume) {
    reading.awaitsResume = true;
    socket.once("resume", onResume);
  }
}

function onResume(this: Sliced): void {
  const reading = readingOf(this);
  reading.awaitsResume = false;
  if (reading.held === undefined) return;
  waiting.add(this);
  schedule();
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(nextTurn);
}

function nextTurn(): void {
  isScheduled = false;
  turn += 1;
  told = 0;
  for (const socket of waiting) {
    if (told >= MOST_IN_ALL) break;
    // It goes to the end of the queue, if anything is left.
    waiting.delete(socket);
    give(socket, readingOf(socket));
  }
  if (waiting.size > 0) schedule();
}

function takeHeld(socket: Sliced): Buffer | undefined {
  const reading = socket[STATE];
  const held = reading?.held;
  if (reading !== undefined) reading.held = undefined;
  return held;
}

/** Where the first lines of these bytes end. */
function endOfSlice(bytes: Buffer): number {
  let end = 0;
  for (let lines = 0; lines < LINES; lines += 1) {
    end = bytes.indexOf(LF, end) + 1;
    if (end === 0) return bytes.length;
  }
  return end;
}
