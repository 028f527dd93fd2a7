import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo, Server as NetServer } from "node:net";
import type { Duplex } from "node:stream";
import { listenFailed } from "@fenceline/api/vocabulary";
import { openFilesLimit } from "@fenceline/wire/open-files";
import { endSlicing, readInSlices, requestTold } from "@fenceline/wire/sliced-reading";
import type { Guard } from "./access/guard.ts";
import { JSON_TYPE, sendError } from "./answers.ts";
import { checkHost } from "./host-names.ts";
import { OneByOne } from "./one-by-one.ts";
import { OpenConnections } from "./open-connections.ts";
import { ApiRefusal } from "./refusal.ts";
import { type Route, RouteTable } from "./route.ts";
import { parseTarget } from "./target.ts";

/** Where an HTTP API listens, and what it serves. */
export interface HttpApiOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /**
   * A server that listens on the port already: its socket is taken over. Default: the port is
   * bound.
   */
  readonly bound?: NetServer;
  /** The route table. */
  readonly routes: readonly Route[];
  /** Who may call the routes that need a right. */
  readonly guard: Guard;
  /**
   * Host names that requests may have beside addresses and `localhost`: those of the Service, and
   * what an operator adds. Default: none.
   */
  readonly names?: readonly string[];
}

/** A listening HTTP API. */
export interface HttpApi {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Not imported: an `import` reads all exports of `node:http`. `WebSocket` and the like load Node's
 * undici, about 7 MB that are not used.
 */
const { createServer }: typeof import("node:http") = createRequire(import.meta.url)("node:http");

/** Most connections in all, and from one address; beyond them an older one gives way. */
const MAX_CONNECTIONS = 512;
const MAX_CONNECTIONS_PER_ADDRESS = 128;
const SHARE_OF_FILES = 1 / 8;
/**
 * Milliseconds in which a client neither sends nor reads a byte, after which its connection is
 * closed.
 */
const IDLE_MS = 30_000;

/**
 * Starts the HTTP API of any process of Fenceline (docs/api.md). It starts before everything else:
 * a process that waits for its API server is alive.
 *
 * @throws {FencelineError} `LISTEN_FAILED` with the port
 */
export async function serveHttpApi(options: HttpApiOptions): Promise<HttpApi> {
  const api = new Api(options);
  const inTurn = new OneByOne();
  const affordable = Math.max(1, Math.min(MAX_CONNECTIONS, Math.floor(openFilesLimit() * SHARE_OF_FILES)));
  const connections = new OpenConnections(affordable, Math.min(MAX_CONNECTIONS_PER_ADDRESS, Math.ceil(affordable / 2)));
  const server = createServer(
    { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000, requireHostHeader: false },
    (request, response) => {
      const { socket } = request;
      requestTold(socket, false);
      connections.beginsAnswer(socket);
      response.once("close", () => connections.endsAnswer(socket));
      // No route has a body, and after the answer Node would read it to its end, for as long as the
      // client sends.
      if (hasBody(request)) response.shouldKeepAlive = false;
      inTurn.run(request, response, () => void api.respond(request, response));
    },
  );
  server.setTimeout(IDLE_MS);
  // By default node:http answers the former with 417 without a body, and the latter not at all.
  server.on("checkExpectation", (request, response) =>
    inTurn.run(request, response, () =>
      sendError(response, new ApiRefusal(417, "EXPECTATION_FAILED", "only the expectation 100-continue is supported")),
    ),
  );
  server.on("connect", ({ socket }) => {
    endSlicing(socket);
    refuseUnread(socket, "405 Method Not Allowed", "METHOD_NOT_ALLOWED", "allow: GET, HEAD\r\n");
  });
  server.on("clientError", refuseUnreadable);
  server.prependListener("connection", (socket) => connections.take(socket));
  server.on("connection", readInSlices);
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

class Api {
  readonly #routes: RouteTable;
  readonly #names: ReadonlySet<string>;
  readonly #guard: Guard;

  constructor({ routes, guard, names = [] }: HttpApiOptions) {
    this.#routes = new RouteTable(routes);
    this.#guard = guard;
    this.#names = new Set(names.map((name) => name.toLowerCase()));
  }

  async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#answer(request, response);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else sendError(response, error);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = parseTarget(request.url ?? "/");
    checkHost(target.host ?? hostOf(request), this.#names);
    const { route, path } = this.#routes.find(request.method ?? "GET", target);
    const call = { request, path, query: target.query };
    const { right } = route;
    if (right !== "none") await this.#guard.admit({ request, isRead: route.method === "GET", right: () => right(call) });
    await route.answer(call, response);
  }
}

/** @throws {ApiRefusal} `HOST_MISSING`; `HOST_REFUSED` when there are two */
function hostOf(request: IncomingMessage): string | undefined {
  const hosts = request.headersDistinct.host ?? [];
  const [host] = hosts;
  if (hosts.length > 1) throw new ApiRefusal(400, "HOST_REFUSED", "a request has one Host");
  if (host === undefined && request.httpVersion !== "1.0")
    throw new ApiRefusal(400, "HOST_MISSING", "a request has a Host (RFC 9112 §3.2)");
  return host;
}

/**
 * A request that node:http cannot read is answered in the same form as all others. A connection
 * that is closed because it was idle gets no answer: a client that keeps it for later would take
 * this for the answer to its next request.
 */
function refuseUnreadable({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  const isSilent = "bytesRead" in socket && socket.bytesRead === 0;
  if (!socket.writable || code === "ECONNRESET" || isSilent) {
    socket.destroy();
    return;
  }
  const [status, reason] = UNREADABLE[code ?? ""] ?? ["400 Bad Request", "REQUEST_MALFORMED"];
  refuseUnread(socket, status, reason);
}

/** @param fields further header fields, each with its line end */
function refuseUnread(socket: Duplex, status: string, code: string, fields = ""): void {
  const body = `${JSON.stringify({ code, message: "this is not a valid request of HTTP/1.1" })}\n`;
  const header = `HTTP/1.1 ${status}\r\n${fields}content-type: ${JSON_TYPE}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`;
  socket.on("error", () => {}).end(`${header}${body}`);
}

const UNREADABLE: Readonly<Record<string, readonly [status: string, code: string]>> = {
  HPE_HEADER_OVERFLOW: ["431 Request Header Fields Too Large", "HEADER_TOO_LARGE"],
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "REQUEST_TIMED_OUT"],
};

function listen(server: Server, { host, port, bound }: HttpApiOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => reject(listenFailed(host, port, cause)));
    if (bound === undefined) server.listen(port, host, () => resolve());
    else server.listen(bound, () => resolve());
  });
}
