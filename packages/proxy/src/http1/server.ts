import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { endSlicing, requestTold, sliceReading } from "@fenceline/wire/sliced-reading";
import type { ListenerObserver } from "../calls/listener-observer.ts";
import { createServer } from "../net/node-http.ts";
import { TCP_OPTIONS } from "../net/tcp-options.ts";
import { Refusal } from "../refusals/refusal.ts";
import { endFaulty, isAnswering, isEnding, isLast, refuseOnSocket } from "./faulty-connections.ts";
import { type ClientResponse, HALF_CLOSED_TIMEOUT, onClientEnded, type PendingRequest } from "./half-closed.ts";
import { LeanRequest } from "./lean-request.ts";
import { isOfOtherProtocol, noteProtocol } from "./other-protocols.ts";
import { failBeforeRequest, HEADER_OVERDUE, type ParserError } from "./parser-faults.ts";
import { PipelinedRequests } from "./pipelined.ts";
import type { HeaderReader, UnfinishedHeaders } from "./unfinished-headers.ts";
import { wantsUpgrade } from "./wants-upgrade.ts";

export interface ListenerOptions {
  /**
   * Milliseconds for a request's header to arrive whole, from its first byte on. Default 30000.
   * Guards against clients that send a byte now and then.
   */
  readonly headersTimeout?: number;
  /**
   * Milliseconds that an idle client connection is kept, whether it had a request or none yet.
   * Default 61 minutes: longer than the hour that an Envoy keeps an idle upstream connection, so
   * that it is never we who close one just as the Envoy sends its next request on it (it would
   * answer 503 then).
   */
  readonly keepAliveTimeout?: number;
  /**
   * Milliseconds without a byte of its answer after which a client that has ended its side
   * (half-close) is taken to have gone. Default 5000.
   */
  readonly halfClosedTimeout?: number;
  /**
   * Bytes of a request's header, request line included. Default 65536, a little more than the 60
   * KiB that Envoy lets through.
   */
  readonly maxHeaderSize?: number;
}

/** What the listener hands on. */
export interface Http1ServerEvents {
  /** A request whose turn on its connection has come. */
  request(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): PendingRequest;
  /**
   * The client asks for another protocol on its connection, which is its own from now on.
   *
   * @param head what was read behind the request
   */
  upgrade(request: IncomingMessage, head: Buffer): void;
  /**
   * A connection that node:http does not know any more, and that is not an upgrade's. It ends by
   * itself once its last answer was given.
   */
  detached(socket: Duplex): void;
  /** Hears of what never became a request. */
  readonly observer: ListenerObserver;
  /** Hears of every connection, and when a request of it was answered. */
  readonly unfinished: UnfinishedHeaders;
}

/** See {@link ListenerOptions.maxHeaderSize}. */
export const DEFAULT_MAX_HEADER_SIZE = 64 * 1024;
/** See {@link ListenerOptions.headersTimeout}. */
export const DEFAULT_HEADERS_TIMEOUT = 30_000;
/** See {@link ListenerOptions.keepAliveTimeout}. */
export const DEFAULT_KEEP_ALIVE_TIMEOUT = 61 * 60_000;

/**
 * Of every client connection. `allowHalfOpen` is what node:http sets: a client that sent FIN still
 * gets its answer, see {@link onClientEnded}.
 */
export const CONNECTION_OPTIONS = { ...TCP_OPTIONS, allowHalfOpen: true };
/** How often node:http looks for requests past headersTimeout, in milliseconds. */
const TIMEOUT_CHECK_INTERVAL = 5_000;

const CONNECT_REFUSED = new Refusal("METHOD_REFUSED", "CONNECT is not forwarded");

/** What is known of the connections of one server. */
interface Connections {
  /**
   * Of each connection, until it closes: a dead socket and its last answer, once grown old, would
   * hold on to those of later connections.
   */
  readonly latest: WeakMap<Duplex, ClientResponse>;
  /** Requests whose wish for another protocol is not granted. */
  readonly notUpgraded: WeakSet<IncomingMessage>;
  readonly pipelined: PipelinedRequests;
}

/** The HTTP/1.1 server side, not listening yet. */
export function createHttp1Server(events: Http1ServerEvents, options: ListenerOptions = {}): Server {
  const connections = { latest: new WeakMap(), notUpgraded: new WeakSet(), pipelined: new PipelinedRequests() } satisfies Connections;
  const { latest } = connections;
  const server = createServer(nodeOptions(options, connections));
  // The default drops fields beyond 2000 silently; readRequestHead counts them instead.
  server.maxHeadersCount = 0;
  // Else node:http ends our side as soon as the client has ended its own, and throws away the
  // answers that it owes.
  Object.assign(server, { httpAllowHalfOpen: true });
  const { halfClosedTimeout = HALF_CLOSED_TIMEOUT } = options;
  const reader: HeaderReader = {
    isServing: (socket) => latest.has(socket),
    refuse: (socket) => failBeforeRequest(server, socket, HEADER_OVERDUE, "the memory is used up"),
  };
  server.on("connection", (socket) => {
    sliceReading(socket);
    events.unfinished.add(socket, reader);
    socket.once("end", () => onClientEnded(socket, latest.get(socket), halfClosedTimeout));
    socket.once("close", () => latest.delete(socket));
  });
  const onRequest = requestListener(events, connections);
  server.on("request", (request, response) => onRequest(request, response, false));
  // 100 is sent once the destination is connected, so a refused upload is not begun (RFC 9110
  // §10.1.1).
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    const awaitsContinue = announcesContent(request);
    // Without content there is nothing to wait with, and behind an answer without a 100 node:http
    // would close the connection, in the belief that content may come or not.
    if (!awaitsContinue) Object.assign(response, { _expect_continue: false });
    onRequest(request, response, awaitsContinue);
  });
  // Whether an expectation that nobody has heard of can be met is for the destination to say;
  // without a listener node:http answers 417 by itself.
  server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => onRequest(request, response, false));
  server.on("upgrade", (request, socket, head) => {
    events.unfinished.delete(socket);
    endSlicing(request.socket);
    events.upgrade(request, head);
  });
  server.on("connect", ({ socket }) => refuseConnect(socket, latest.get(socket), events));
  server.on("clientError", (error: ParserError, socket) => endFaulty(error, socket, latest.get(socket), events.observer));
  return server;
}

/** What node:http is told. */
function nodeOptions(
  {
    headersTimeout = DEFAULT_HEADERS_TIMEOUT,
    keepAliveTimeout = DEFAULT_KEEP_ALIVE_TIMEOUT,
    maxHeaderSize = DEFAULT_MAX_HEADER_SIZE,
  }: ListenerOptions,
  { latest, notUpgraded }: Connections,
) {
  return {
    // Node would hand over an upgrade at once, and its answer would come before those of the
    // requests that were pipelined in front of it.
    shouldUpgradeCallback(request: IncomingMessage) {
      const before = latest.get(request.socket);
      noteProtocol(request);
      const granted = wantsUpgrade(request) && !isOfOtherProtocol(request) && !isAnswering(before) && !isLast(before);
      if (!granted) notUpgraded.add(request);
      return granted;
    },
    IncomingMessage: LeanRequest,
    // A request without a body needs no stream for one.
    optimizeEmptyRequests: true,
    headersTimeout,
    // node:http counts the body into this one, and an upload may rightly take longer than any fixed
    // time.
    requestTimeout: 0,
    keepAliveTimeout,
    maxHeaderSize,
    connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_INTERVAL, headersTimeout),
    // Never: the lenient parser accepts the ambiguous framings that request smuggling is made of.
    insecureHTTPParser: false,
    // A missing Host is refused by the chain, with the same JSON as every other refusal.
    requireHostHeader: false,
    ...CONNECTION_OPTIONS,
  };
}

/** Begins each request in its turn on its connection. */
function requestListener(
  events: Http1ServerEvents,
  { latest, notUpgraded, pipelined }: Connections,
): (request: IncomingMessage, response: ClientResponse, awaitsContinue: boolean) => void {
  /**
   * An idle connection, of which there are thousands for an hour, is not to keep a request with all
   * its header.
   */
  const forget = function (this: ServerResponse) {
    const { socket } = this.req;
    events.unfinished.answered(this.req);
    if (latest.get(socket) === this && !isLast(this)) latest.delete(socket);
  };
  return (request, response, awaitsContinue) => {
    // Read from the same bytes as one whose answer closes the connection. Nobody would hear its
    // answer, and after a refusal nobody knows whether it is a request at all.
    requestTold(request.socket, request.headers["transfer-encoding"] !== undefined);
    if (isLast(latest.get(request.socket))) {
      if (response.socket === null) pipelined.wait(request.socket, response, () => {});
      return;
    }
    noteProtocol(request);
    latest.set(request.socket, response);
    response.on("close", forget);
    // node:http throws away what came in one piece with such a request, so nobody knows where in a
    // request the next piece begins.
    if (notUpgraded.has(request)) response.shouldKeepAlive = false;
    const begin = () => {
      // Else its body has turned out to be malformed while it waited, and it is refused in its
      // turn.
      if (!isEnding(response) || request.complete) response.pending = events.request(request, response, awaitsContinue);
    };
    // RFC 9112 §9.3.2: only what is safe may be done at the same time as the request before it. One
    // after the other, as nginx and Envoy do. A client that leaves meanwhile has asked for nothing
    // more.
    if (response.socket === null) pipelined.wait(request.socket, response, begin);
    else begin();
  };
}

/** @param before the answer in front of the one to CONNECT */
function refuseConnect(socket: Socket, before: ClientResponse | undefined, events: Http1ServerEvents): void {
  events.unfinished.delete(socket);
  endSlicing(socket);
  // node:http has taken its own listener off, and a reset that nobody listens to would end the
  // thread.
  socket.on("error", () => {});
  const refuseNow = () => refuseOnSocket(socket, CONNECT_REFUSED, events.observer, "CONNECT");
  if (!isAnswering(before)) {
    refuseNow();
    return;
  }
  // In its turn: before, it would be taken for the answer to the request in front.
  before.once("finish", refuseNow);
  events.detached(socket);
  // Only who reads notices that the client leaves.
  socket.resume();
}

function announcesContent({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0;
}
