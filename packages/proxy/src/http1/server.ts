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
   * Milliseconds in which a request's header must arrive completely, from its first byte on.
   * Default 30000. Protects against clients that send a byte from time to time.
   */
  readonly headersTimeout?: number;
  /**
   * Milliseconds for which an idle client connection is kept, whether or not it had a request.
   * Default 61 minutes, longer than the hour of an Envoy. If we closed a connection while the Envoy
   * sends its next request on it, it would answer 503.
   */
  readonly keepAliveTimeout?: number;
  /**
   * Milliseconds without a byte of its answer after which a client that has ended its side
   * (half-close) counts as disconnected. Default 5000.
   */
  readonly halfClosedTimeout?: number;
  /**
   * Largest header of a request in bytes, including the request line. Default 65536, a little more
   * than Envoy's 60 KiB.
   */
  readonly maxHeaderSize?: number;
}

/** Events of the listener. */
export interface Http1ServerEvents {
  /** A request whose turn on its connection has come. */
  request(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): PendingRequest;
  /**
   * The client asks for another protocol, and the connection serves only this from now on.
   *
   * @param head bytes that were read after the request
   */
  upgrade(request: IncomingMessage, head: Buffer): void;
  /**
   * A connection that node:http no longer handles, without an upgrade. It ends by itself after its
   * last answer.
   */
  detached(socket: Duplex): void;
  /** Is told of bytes that never became a request. */
  readonly observer: ListenerObserver;
  /** Is told of every connection, and when a request of it was answered. */
  readonly unfinished: UnfinishedHeaders;
}

/** See {@link ListenerOptions.maxHeaderSize}. */
export const DEFAULT_MAX_HEADER_SIZE = 64 * 1024;
/** See {@link ListenerOptions.headersTimeout}. */
export const DEFAULT_HEADERS_TIMEOUT = 30_000;
/** See {@link ListenerOptions.keepAliveTimeout}. */
export const DEFAULT_KEEP_ALIVE_TIMEOUT = 61 * 60_000;

/**
 * Options of every client connection. `allowHalfOpen` as in node:http: a client that sent FIN still
 * gets its answer, see {@link onClientEnded}.
 */
export const CONNECTION_OPTIONS = { ...TCP_OPTIONS, allowHalfOpen: true };
/** Interval in which node:http checks headersTimeout, in milliseconds. */
const TIMEOUT_CHECK_INTERVAL = 5_000;

const CONNECT_REFUSED = new Refusal("METHOD_REFUSED", "CONNECT is not forwarded");

/** State of the connections of one server. */
interface Connections {
  /**
   * The latest response of each connection, until it closes: otherwise a dead socket and its last
   * answer in the old generation would keep those of later connections alive.
   */
  readonly latest: WeakMap<Duplex, ClientResponse>;
  /** Requests whose upgrade is not granted. */
  readonly notUpgraded: WeakSet<IncomingMessage>;
  readonly pipelined: PipelinedRequests;
}

/** The HTTP/1.1 server. It does not listen yet. */
export function createHttp1Server(events: Http1ServerEvents, options: ListenerOptions = {}): Server {
  const connections = { latest: new WeakMap(), notUpgraded: new WeakSet(), pipelined: new PipelinedRequests() } satisfies Connections;
  const { latest } = connections;
  const server = createServer(nodeOptions(options, connections));
  // By default fields beyond 2000 are dropped silently; readRequestHead counts them instead.
  server.maxHeadersCount = 0;
  // Otherwise node:http ends our side as soon as the client has ended its own, and drops
  // outstanding answers.
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
  // 100 is sent once the destination is connected, so that a refused upload does not begin (RFC
  // 9110 §10.1.1).
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    const awaitsContinue = announcesContent(request);
    // Without content there is nothing to wait for. After an answer without a 100 node:http would
    // close the connection, because it would not know whether content still comes.
    if (!awaitsContinue) Object.assign(response, { _expect_continue: false });
    onRequest(request, response, awaitsContinue);
  });
  // The destination decides whether it can meet an unknown expectation. Without a listener
  // node:http answers 417 by itself.
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

/** Options of node:http. */
function nodeOptions(
  {
    headersTimeout = DEFAULT_HEADERS_TIMEOUT,
    keepAliveTimeout = DEFAULT_KEEP_ALIVE_TIMEOUT,
    maxHeaderSize = DEFAULT_MAX_HEADER_SIZE,
  }: ListenerOptions,
  { latest, notUpgraded }: Connections,
) {
  return {
    // Node would emit an upgrade at once, so its answer would come before those of the requests
    // pipelined before it.
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
    // It includes the body, and an upload may take longer than any fixed time.
    requestTimeout: 0,
    keepAliveTimeout,
    maxHeaderSize,
    connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_INTERVAL, headersTimeout),
    // Never: the lenient parser accepts ambiguous framings, which allow request smuggling.
    insecureHTTPParser: false,
    // The pipeline refuses a missing Host, with the same JSON as every other refusal.
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
   * There are thousands of idle connections for an hour: they must not keep a request with its
   * header.
   */
  const forget = function (this: ServerResponse) {
    const { socket } = this.req;
    events.unfinished.answered(this.req);
    if (latest.get(socket) === this && !isLast(this)) latest.delete(socket);
  };
  return (request, response, awaitsContinue) => {
    // It was read from the same bytes as a request whose answer closes the connection. Its answer
    // would not be read, and after a refusal it is not certain that it is a request at all.
    requestTold(request.socket, request.headers["transfer-encoding"] !== undefined);
    if (isLast(latest.get(request.socket))) {
      if (response.socket === null) pipelined.wait(request.socket, response, () => {});
      return;
    }
    noteProtocol(request);
    latest.set(request.socket, response);
    response.on("close", forget);
    // node:http drops what arrived in one piece with such a request, so it is unknown where in a
    // request the next piece begins.
    if (notUpgraded.has(request)) response.shouldKeepAlive = false;
    const begin = () => {
      // Otherwise its body turned out to be malformed while it waited, and it is refused in its
      // turn.
      if (!isEnding(response) || request.complete) response.pending = events.request(request, response, awaitsContinue);
    };
    // RFC 9112 §9.3.2: only safe requests may run at the same time as the one before. So they run
    // one after the other, as in nginx and Envoy. If the client disconnects meanwhile, the rest is
    // dropped.
    if (response.socket === null) pipelined.wait(request.socket, response, begin);
    else begin();
  };
}

/** @param before the answer before that to CONNECT */
function refuseConnect(socket: Socket, before: ClientResponse | undefined, events: Http1ServerEvents): void {
  events.unfinished.delete(socket);
  endSlicing(socket);
  // node:http has removed its own listener, and a reset without a listener would end the thread.
  socket.on("error", () => {});
  const refuseNow = () => refuseOnSocket(socket, CONNECT_REFUSED, events.observer, "CONNECT");
  if (!isAnswering(before)) {
    refuseNow();
    return;
  }
  // In its turn: earlier, it would be taken for the answer to the request before.
  before.once("finish", refuseNow);
  events.detached(socket);
  // Only a socket that is read notices that the client disconnects.
  socket.resume();
}

function announcesContent({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0;
}
