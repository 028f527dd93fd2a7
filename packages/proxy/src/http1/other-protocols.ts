/**
 * Requests of other protocols that llhttp, the parser, takes for HTTP and does not tell apart: RTSP
 * (RFC 2326) and Icecast's ICE. Their syntax is HTTP's but for the name in front of the version.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/** Methods that llhttp takes with RTSP in the request line and not with HTTP. */
const RTSP_ONLY = new Set("DESCRIBE ANNOUNCE SETUP PLAY PAUSE TEARDOWN GET_PARAMETER SET_PARAMETER REDIRECT RECORD FLUSH".split(" "));
/** Methods that it takes with RTSP and HTTP, or with ICE and HTTP. */
const SHARED = new Set(["GET", "POST", "OPTIONS", "SOURCE"]);
/** Of these, the ones that nearly every request has. */
const USUAL = new Set(["GET", "POST"]);
/** A request line, by llhttp's rules: blanks may be several. */
const REQUEST_LINE = /(?:^|\n)([A-Z_-]+) +(\S+) +([A-Z]+)\/\d\.\d\r?(?=\n)/g;
const LF = 0x0a;
/** A field that every request of RTSP has (RFC 2326 §12.17), or those of Icecast's sources. */
const TELLTALE = /^(?:cseq$|ice-)/i;

/** What node:http's parser shows while it reads a piece. */
interface ReadingSocket extends Duplex {
  readonly parser?: { getCurrentBuffer?(): Buffer } | null;
  readonly bytesRead: number;
}

/** The names in a piece's request lines, by method and target. */
type Protocols = ReadonlyMap<string, string>;

/** The piece that was looked at last. */
interface Piece {
  readonly socket: Duplex;
  /** Of its connection, up to its end. */
  readonly bytesRead: number;
  readonly protocols: Protocols;
}

/** Connections of which a request was looked at. */
const known = new WeakSet<Duplex>();
const found = new WeakSet<IncomingMessage>();

/** Whether {@link noteProtocol} found a request to be of another protocol. */
export function isOfOtherProtocol(request: IncomingMessage): boolean {
  return found.has(request);
}

/**
 * Looks at what a request's line says, while node:http reads it: later its bytes are gone.
 *
 * To look costs a copy of the piece, so the usual requests are looked at only where they are the
 * first of their connection, or have version 1.0, the only one that RTSP and ICE have beside 2.0.
 */
export function noteProtocol(request: IncomingMessage): void {
  const { method = "", httpVersionMinor, socket } = request;
  const isFirst = !known.has(socket);
  known.add(socket);
  if (RTSP_ONLY.has(method)) found.add(request);
  if (!SHARED.has(method) || (USUAL.has(method) && httpVersionMinor === 1 && !isFirst)) return;
  const protocol = protocolsOf(socket, isFirst).get(nameOf(method, request.url));
  // The line came in a piece of its own, and is gone.
  if (protocol === undefined ? hasTelltale(request) : protocol !== HTTP) found.add(request);
}

const HTTP = "HTTP";
let latest: Piece | undefined;

/**
 * Looked up once for all requests of a piece: it may hold thousands, and each look at all of it
 * would take a millisecond.
 *
 * @param isFirst the request is the first of its connection, whose empty lines were passed over
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
    // Of several equal requests in one piece, nobody knows which one this is.
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
