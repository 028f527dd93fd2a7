import { FLAG, frame, hpack, requestFields, settings, TYPE, uint32 } from "./frames.ts";

/** The longest payload that may come where SETTINGS do not say otherwise (RFC 9113 §6.5.2). */
const MAX_FRAME_SIZE = 16_384;
const INITIAL_WINDOW_SIZE = 4;
/** A stream of the peer that was never opened, whoever the peer is. */
const IDLE_STREAM = 99;

/**
 * Frames that are a connection error whoever sends them (RFC 9113 §5.4.1), by what is wrong with
 * them. Stream 1 is open.
 */
export const CONNECTION_ERRORS: Readonly<Record<string, Buffer>> = {
  "DATA on an idle stream": frame(TYPE.DATA, FLAG.NONE, IDLE_STREAM, "x"),
  "DATA on no stream": frame(TYPE.DATA, FLAG.NONE, 0, "x"),
  "padding longer than its DATA": frame(TYPE.DATA, 8, 1, Buffer.from([5, 0])),
  "a frame over the limit": frame(TYPE.DATA, FLAG.NONE, 1, Buffer.alloc(MAX_FRAME_SIZE + 1)),
  "RST_STREAM of an idle stream": frame(TYPE.RST_STREAM, FLAG.NONE, IDLE_STREAM, uint32(0)),
  "SETTINGS of five bytes": frame(TYPE.SETTINGS, FLAG.NONE, 0, "12345"),
  "SETTINGS of a window over the limit": frame(TYPE.SETTINGS, FLAG.NONE, 0, settings({ [INITIAL_WINDOW_SIZE]: 2 ** 31 })),
  "PING of seven bytes": frame(TYPE.PING, FLAG.NONE, 0, "1234567"),
  "GOAWAY of four bytes": frame(TYPE.GOAWAY, FLAG.NONE, 0, uint32(0)),
  "WINDOW_UPDATE by nothing": frame(TYPE.WINDOW_UPDATE, FLAG.NONE, 0, uint32(0)),
  "WINDOW_UPDATE over the limit": frame(TYPE.WINDOW_UPDATE, FLAG.NONE, 0, uint32(2 ** 31 - 1)),
  "CONTINUATION of nothing": frame(TYPE.CONTINUATION, FLAG.END_HEADERS, 1, "x"),
  "PING within a header": Buffer.concat([
    frame(TYPE.HEADERS, FLAG.END_STREAM, 1, hpack([["grpc-status", "0"]])),
    frame(TYPE.PING, FLAG.NONE, 0, "12345678"),
  ]),
  "a header that HPACK cannot read": frame(TYPE.HEADERS, FLAG.END_HEADERS, 1, Buffer.alloc(6, 0xff)),
};

/** The same, of a client alone. */
export const CLIENT_ERRORS: Readonly<Record<string, Buffer>> = {
  "HEADERS on a stream that is the server's": frame(TYPE.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 2, requestFields()),
};

/** The same, of a destination alone. */
export const DESTINATION_ERRORS: Readonly<Record<string, Buffer>> = {
  "HEADERS on an idle stream": frame(TYPE.HEADERS, FLAG.END_HEADERS, IDLE_STREAM, hpack([[":status", "200"]])),
};
