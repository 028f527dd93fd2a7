import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { ConnectionCap } from "@fenceline/als/connection-cap";
import { openFilesLimit } from "@fenceline/als/open-files";
import { listenFailed } from "@fenceline/api/vocabulary";
import type { Registry as MetricsRegistry } from "prom-client";
import { checkHost } from "./host-names.ts";
import { OneATurn, writeList } from "./list-answer.ts";
import { OneByOne } from "./one-by-one.ts";
import { type PageSizes, parsePage } from "./pages.ts";
import { ApiRefusal, quoted } from "./refusal.ts";
import { parseQuery, parseTarget, type Target } from "./target.ts";
import type { FenceReader } from "./views.ts";

export { serviceNames } from "./host-names.ts";

/** What the HTTP API shows. */
export interface HttpApiOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Several registries are put one behind the other; their metric names must differ. */
  readonly metrics: () => readonly Pick<MetricsRegistry, "metrics">[];
  /** Why no work should be sent to this process now; undefined when it may be. Default: it may. */
  readonly notReady?: () => string | undefined;
  /** The calls that `/api/v1/calls` lists, bounded in their number. Default: it is not served. */
  readonly calls?: () => readonly object[];
  /** Where fences and edges are read from; undefined while they are not known yet. Default: there are none, and `/api/v1` is not served. */
  readonly reader?: () => FenceReader | undefined;
  /** Names, beside addresses and `localhost`, that requests may be made to: those of the Service, and what an operator adds. Default: none. */
  readonly names?: readonly string[];
}

/** A listening HTTP API. */
export interface HttpApi {
  readonly port: number;
  close(): Promise<void>;
}

/** Not imported: an `import` reads all exports of `node:http`, and with `WebSocket` and its like loads Node's undici, about 7 MB that nothing uses. */
const { createServer }: typeof import("node:http") = createRequire(import.meta.url)("node:http");

const JSON_TYPE = "application/json; charset=utf-8";
const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";
const READING = "GET, HEAD";

/** Connections in all, and from one address: probes come from another one than whoever takes all of his. */
const MAX_CONNECTIONS = 512;
const MAX_CONNECTIONS_PER_ADDRESS = 128;
const SHARE_OF_FILES = 1 / 8;
/** Milliseconds that a client may neither send nor take a byte. */
const IDLE_MS = 30_000;

const FENCES: PageSizes = { default: 100, max: 1_000 };
const EDGES: PageSizes = { default: 1_000, max: 10_000 };

/**
 * Starts the read-only API of any Fenceline process: `/healthz`, `/readyz`, `/metrics`, and where there are fences `/api/v1/fences`,
 * `/api/v1/fences/<namespace>/<name>` and `/api/v1/edges`, and beside a global sidecar `/api/v1/calls` (docs/api.md). It is up before anything else is: a
 * process that waits for its API server is alive.
 *
 * @throws {FencelineError} `LISTEN_FAILED`, naming the port
 */
export async function serveHttpApi(options: HttpApiOptions): Promise<HttpApi> {
  const api = new Api(options);
  const inTurn = new OneByOne();
  const server = createServer(
    { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000, requireHostHeader: false },
    (request, response) => inTurn.run(request, response, () => void api.respond(request, response)),
  );
  server.setTimeout(IDLE_MS);
  server.on("clientError", refuseUnreadable);
  const affordable = Math.min(MAX_CONNECTIONS, Math.floor(openFilesLimit() * SHARE_OF_FILES));
  const cap = new ConnectionCap(affordable, Math.min(MAX_CONNECTIONS_PER_ADDRESS, Math.ceil(affordable / 2)));
  server.prependListener("connection", (socket) => {
    if (cap.admit(socket) !== undefined) socket.destroy();
  });
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

class Api {
  readonly #options: HttpApiOptions;
  readonly #names: ReadonlySet<string>;
  readonly #turns = new OneATurn();
  /** The scrape that is under way: whoever asks meanwhile gets the same. */
  #scrape: Promise<string> | undefined;

  constructor(options: HttpApiOptions) {
    this.#options = options;
    this.#names = new Set((options.names ?? []).map((name) => name.toLowerCase()));
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
    const answer = this.#route(target);
    if (answer === undefined) throw this.#unknownPath(target);
    if (request.method !== "GET" && request.method !== "HEAD") {
      throw new ApiRefusal(405, "METHOD_NOT_ALLOWED", "this API only reads: use GET", { allow: READING });
    }
    await answer(response);
  }

  /** How a path is answered; undefined when there is none. */
  #route({ path, query }: Target): ((response: ServerResponse) => Promise<void> | void) | undefined {
    const { notReady, calls, reader } = this.#options;
    const [first, version, kind] = path;
    if (path.length === 1) {
      if (first === "metrics") return async (response) => send(response, 200, METRICS_TYPE, await this.#metrics());
      if (first === "healthz") return (response) => sendJson(response, 200, { status: "ok" });
      if (first === "readyz") return (response) => sendReadiness(response, notReady?.());
    }
    if (first !== "api" || version !== "v1") return undefined;
    if (path.length === 3 && kind === "calls" && calls !== undefined) {
      return (response) => {
        parseQuery(query, []);
        sendJson(response, 200, { calls: calls() });
      };
    }
    return reader === undefined ? undefined : this.#routeFences(path.slice(2), query, reader);
  }

  #routeFences([kind, namespace, name, ...more]: readonly string[], query: string, read: () => FenceReader | undefined) {
    const isList = namespace === undefined && (kind === "fences" || kind === "edges");
    if (isList) return (response: ServerResponse) => this.#list(response, kind, query, readerOf(read));
    if (kind !== "fences" || namespace === undefined || name === undefined || more.length > 0) return undefined;
    return async (response: ServerResponse) => {
      parseQuery(query, []);
      const reader = readerOf(read);
      // Imported here: the global sidecar has probes and metrics only, and the schemas behind the views would take a fifth of its memory.
      const { fenceView } = await import("./views.ts");
      await this.#turns.turn();
      const fence = fenceView(reader, { namespace, name });
      if (fence === undefined) throw new ApiRefusal(404, "FENCE_NOT_FOUND", `no ServiceFence ${quoted(`${namespace}/${name}`)}`);
      sendJson(response, 200, fence);
    };
  }

  async #list(response: ServerResponse, kind: "fences" | "edges", query: string, reader: FenceReader): Promise<void> {
    const page = parsePage(query, kind, kind === "fences" ? FENCES : EDGES);
    const { edgesSteps, fencesSteps } = await import("./views.ts");
    response.writeHead(200, { "content-type": JSON_TYPE, ...COMMON });
    if (response.req.method === "HEAD") response.end();
    else await writeList(response, kind, page, (kind === "fences" ? fencesSteps : edgesSteps)(reader, page), this.#turns);
  }

  #metrics(): Promise<string> {
    this.#scrape ??= Promise.all(this.#options.metrics().map((each) => each.metrics()))
      .then((texts) => texts.join("\n"))
      .finally(() => {
        this.#scrape = undefined;
      });
    return this.#scrape;
  }

  #unknownPath({ path }: Target): ApiRefusal {
    const { reader, calls } = this.#options;
    const fences = reader === undefined ? [] : ["/api/v1/fences", "/api/v1/edges"];
    const served = [...fences, ...(calls === undefined ? [] : ["/api/v1/calls"]), "/metrics", "/healthz", "/readyz"];
    return new ApiRefusal(404, "NOT_FOUND", `no ${quoted(`/${path.join("/")}`)}; see ${served.join(", ")}`);
  }
}

const COMMON = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

function readerOf(read: () => FenceReader | undefined): FenceReader {
  const reader = read();
  if (reader === undefined) throw new ApiRefusal(503, "NOT_READY", "the mesh is not known yet, see /readyz", { "retry-after": "1" });
  return reader;
}

/** @throws {ApiRefusal} `HOST_MISSING`, `HOST_REFUSED` when it is there twice */
function hostOf(request: IncomingMessage): string | undefined {
  const hosts = request.headersDistinct.host ?? [];
  const [host] = hosts;
  if (hosts.length > 1) throw new ApiRefusal(400, "HOST_REFUSED", "a request has one Host");
  if (host === undefined && request.httpVersion !== "1.0")
    throw new ApiRefusal(400, "HOST_MISSING", "a request has a Host (RFC 9112 §3.2)");
  return host;
}

function sendReadiness(response: ServerResponse, reason: string | undefined): void {
  if (reason === undefined) sendJson(response, 200, { status: "ready" });
  else sendJson(response, 503, { status: "not ready", reason });
}

function sendError(response: ServerResponse, error: unknown): void {
  const { status, code, message, headers } =
    error instanceof ApiRefusal ? error : new ApiRefusal(500, "INTERNAL", error instanceof Error ? error.message : String(error));
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  sendJson(response, status, { code, message });
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, JSON_TYPE, `${JSON.stringify(value, undefined, 2)}\n`);
}

/** HEAD gets the same header as GET, and no body. */
function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body), ...COMMON });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

/** What node:http cannot read is answered in the same form as everything else. */
function refuseUnreadable({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const [status, reason] = UNREADABLE[code ?? ""] ?? ["400 Bad Request", "REQUEST_MALFORMED"];
  const body = `${JSON.stringify({ code: reason, message: "this is not a request of HTTP/1.1 that is taken here" })}\n`;
  socket.end(`HTTP/1.1 ${status}\r\ncontent-type: ${JSON_TYPE}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
}

const UNREADABLE: Readonly<Record<string, readonly [status: string, code: string]>> = {
  HPE_HEADER_OVERFLOW: ["431 Request Header Fields Too Large", "HEADER_TOO_LARGE"],
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "REQUEST_TIMED_OUT"],
};

function listen(server: Server, { host, port }: HttpApiOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => reject(listenFailed(host, port, cause)));
    server.listen(port, host, () => resolve());
  });
}
