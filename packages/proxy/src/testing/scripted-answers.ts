import type { TestContext } from "node:test";
import { FLAG, type Frame, type FrameSocket, frame, hpack, requestFields, startFrameUpstream, TYPE, uint32 } from "./frames.ts";

/** How an answer's last frame comes. */
export type AnswerEnd = "trailers" | "data" | "empty data" | "header" | "nothing";
/**
 * What the destination does right behind its answer, in the same write where it fits the windows: a
 * reset's code, or the end of the connection.
 */
export type Behind = "nothing" | `RST ${number}` | `GOAWAY ${number}` | "FIN";
/**
 * What of the request's body the client has sent when the answer comes, and whether the destination
 * takes it.
 */
export type UploadState = "ended" | "unfinished" | "held up";

export interface Script {
  readonly end: AnswerEnd;
  /** Bytes of the body. */
  readonly size: number;
  readonly behind: Behind;
  readonly upload: UploadState;
  /** Whether the client opens its window only when the destination has said everything it may. */
  readonly slowReader: boolean;
}

/** What a client sees of its stream. */
export interface Seen {
  readonly headers: number;
  readonly bytes: number;
  readonly ended: boolean;
  /** Code of the reset. */
  readonly reset: number | undefined;
}

const FRAME_SIZE = 16_384;
const INITIAL_WINDOW = 65_535;
const UPLOAD = Buffer.alloc(10_000, "u");
const WIDE = 0x7f00_0000;

/**
 * A destination that plays the script to each request. `said` is called when it has sent all that
 * the windows allow.
 */
export function startScriptedUpstream(t: TestContext, script: () => Script, said: () => void) {
  return startFrameUpstream(t, (frames) => {
    if (script().upload === "held up") frames.send(frame(TYPE.SETTINGS, FLAG.NONE, 0, Buffer.from([0, 4, 0, 0, 0, 0])));
    const answered = new Set<number>();
    frames.onFrame(({ type, stream }) => {
      if (type !== TYPE.HEADERS || answered.has(stream)) return;
      answered.add(stream);
      void play(frames, stream, script(), said);
    });
  });
}

async function play(frames: FrameSocket, stream: number, { end, size, behind }: Script, said: () => void): Promise<void> {
  const flags = end === "header" ? FLAG.END_HEADERS | FLAG.END_STREAM : FLAG.END_HEADERS;
  const out = [frame(TYPE.HEADERS, flags, stream, hpack([[":status", "200"]]))];
  for (let sent = 0; sent < size; ) {
    const bytes = Math.min(FRAME_SIZE, size - sent, credit(frames.received, stream) - sent, credit(frames.received, 0) - sent);
    if (bytes > 0) {
      sent += bytes;
      out.push(frame(TYPE.DATA, end === "data" && sent === size ? FLAG.END_STREAM : FLAG.NONE, stream, Buffer.alloc(bytes, "d")));
      continue;
    }
    frames.send(...out.splice(0));
    said();
    await frames.more();
    if (frames.closed) return;
  }
  frames.send(...out, ...lastFrames(stream, end, behind));
  if (behind === "FIN") frames.socket.end();
  said();
}

function lastFrames(stream: number, end: AnswerEnd, behind: Behind): Buffer[] {
  const out: Buffer[] = [];
  if (end === "trailers") out.push(frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, hpack([["grpc-status", "8"]])));
  if (end === "empty data") out.push(frame(TYPE.DATA, FLAG.END_STREAM, stream));
  const [what, code] = behind.split(" ");
  if (what === "RST") out.push(frame(TYPE.RST_STREAM, FLAG.NONE, stream, uint32(Number(code))));
  if (what === "GOAWAY") out.push(frame(TYPE.GOAWAY, FLAG.NONE, 0, Buffer.concat([uint32(stream), uint32(Number(code))])));
  return out;
}

/** Bytes that the other end allows on this stream (or on the connection) in all. */
function credit(received: readonly Frame[], stream: number): number {
  const opened = received.filter((candidate) => candidate.type === TYPE.WINDOW_UPDATE && candidate.stream === stream);
  return opened.reduce((sum, { payload }) => sum + payload.readUInt32BE(0), INITIAL_WINDOW);
}

/** Frames of a request: POST where a body follows, or may. */
export function requestFrames(stream: number, upload: UploadState): Buffer[] {
  const fields = requestFields([["content-type", "application/grpc"]]);
  const ended = upload === "ended";
  const frames = [frame(TYPE.HEADERS, FLAG.END_HEADERS, stream, fields)];
  frames.push(frame(TYPE.DATA, ended ? FLAG.END_STREAM : FLAG.NONE, stream, UPLOAD));
  return frames;
}

/** Opens the client's windows wide. */
export function openWindows(stream: number): Buffer[] {
  return [frame(TYPE.WINDOW_UPDATE, FLAG.NONE, 0, uint32(WIDE)), frame(TYPE.WINDOW_UPDATE, FLAG.NONE, stream, uint32(WIDE))];
}

/** What has come on this stream. */
export function seenOf(received: readonly Frame[], stream: number): Seen {
  const own = received.filter((candidate) => candidate.stream === stream);
  const reset = own.find(({ type }) => type === TYPE.RST_STREAM);
  const data = own.filter(({ type }) => type === TYPE.DATA);
  return {
    headers: own.filter(({ type }) => type === TYPE.HEADERS).length,
    bytes: data.reduce((sum, { payload }) => sum + payload.length, 0),
    ended: own.some(({ type, flags }) => (type === TYPE.DATA || type === TYPE.HEADERS) && (flags & FLAG.END_STREAM) !== 0),
    reset: reset?.payload.readUInt32BE(0),
  };
}
