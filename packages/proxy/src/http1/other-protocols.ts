/**
 * Detects requests of other protocols that llhttp, the parser, accepts as HTTP: RTSP (RFC 2326) and
 * Icecast's ICE. Their syntax is that of HTTP except for the name before the version.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/** Methods that llhttp accepts only with RTSP in the request line. */
const RTSP_ONLY = new Set("DESCRIBE ANNOUNCE SETUP PLAY PAUSE TEARDOWN GET_PARAMETER SET_PARAMETER REDIRECT RECORD FLUSH".split(" "));
/** Methods that it accepts with both RTSP and HTTP, or both ICE and HTTP. */
const SHARED = new Set(["GET", "POST", "OPTIONS", "SOURCE"]);
/** Those that nearly every request has. */
const USUAL = new Set(["GET", "POST"]);
/** A request line, by llhttp's rules: there may be several blanks. */
const REQUEST_LINE = /(?:^|\n)([A-Z_-]+) +(\S+) +([A-Z]+)\/\d\.\d\r?(?=\n)/g;
const LF = 0x0a;
/** A field that every request of RTSP has (RFC 2326 §12.17), or those of Icecast's sources. */
const TELLTALE = /^(?:cseq$|ice-)/i;

/** The parser of node:http, while it reads a piece. */
interface ReadingSocket extends Duplex {
  readonly parser?: { getCurrentBuffer?(): Buffer } | null;
  readonly bytesRead: number;
}

/** The names of the protocols in a piece's request lines, by method and target. */
type Protocols = ReadonlyMap<string, string>;

/** The piece that was read last. */
interface Piece {
  readonly socket: Duplex;
  /** `bytesRead` of its connection at its end. */
  readonly bytesRead: number;
  readonly protocols: Protocols;
}

/** Connections of which a request was checked. */
const known = new WeakSet<Duplex>();
const found = new WeakSet<IncomingMessage>();

/** Whether {@link noteProtocol} found a request to be of another protocol. */
export function isOfOtherProtocol(request: IncomingMessage): boolean {
  return found.has(request);
}

/**
 * Checks a request's line while node:http reads it: later its bytes are gone.
 *
 * The check costs a copy of the piece. So usual requests are checked only if they are the first of
 * their connection, or have version 1.0, the only one of RTSP and ICE beside 2.0.
 */
export function noteProtocol(request: IncomingMessage): void {
  const { method = "", httpVersionMinor, socket } = request;
  const isFirst = !known.has(socket);
  known.add(socket);
  if (RTSP_ONLY.has(method)) found.add(request);
  if (!SHARED.has(method) || (USUAL.has(method) && httpVersionMinor === 1 && !isFirst)) return;
  const protocol = protocolsOf(socket, isFirst).get(nameOf(method, request.url));
  // The line was in an earlier piece, which is gone.
  if (protocol === undefined ? hasTelltale(request) : protocol !== HTTP) found.add(request);
}

const HTTP = "HTTP";
let latest: Piece | undefined;

/**
 * Computed once for all requests of a piece: it may have thousands, and each computation takes a
 * millisecond.
 *
 * @param isFirst the request is the first of its connection, whose empty lines were skipped
 */
function protocolsOf(socket: ReadingSocket, isFirst: boolean): Protocols {
  const { parser, bytesRead } = socket;
  if (!isFirst && latest?.socket === socket && latest.bytesRead === bytesRead) return latest.protocols;
  const piece = parser?.getCurrentBuffer?.() ?? Buffer.alloc(0);
  if (isFirst) return protocolsIn(piece.toString("latin1", 0, piece.indexOf(LF) + 1));
  latest = { socket, bytesRead, protocols: protocolsIn(piece.toString("latin1")) };
  return latest.protocols;
}

function protocolsIn(piece: string): Protocols {
  const protocols = new Map<string, string>();
  for (const [, method = "", target = "", protocol = ""] of piece.matchAll(REQUEST_LINE)) {
    const name = nameOf(method, target);
    // If a piece has several equal requests, it is unknown which one this is.
    if ((protocols.get(name) ?? HTTP) === HTTP) protocols.set(name, protocol);
  }
  return protocols;
}

function nameOf(method: string, target = ""): string {
  return `${method} ${target}`;
}

function hasTelltale({ rawHeaders }: IncomingMessage): boolean {
  return rawHeaders.some((text, at) => at % 2 === 0 && TELLTALE.test(text));
}
