import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { FencelineError } from "@fenceline/api";
import type { Registry as MetricsRegistry } from "prom-client";
import type { FenceReader } from "./views.ts";
import { edgesView, fencesView, fenceView } from "./views.ts";

/** What the HTTP API shows. */
export interface HttpApiOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly reader: FenceReader;
  /** Several registries are put one behind the other; their metric names must differ. */
  readonly metrics: () => readonly MetricsRegistry[];
  /** Whether the process can do its work. */
  readonly ready: () => boolean;
}

/** A listening HTTP API. */
export interface HttpApi {
  readonly port: number;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const JSON_TYPE = "application/json; charset=utf-8";

/**
 * Starts the read-only API: `/api/v1/fences`, `/api/v1/fences/<namespace>/<name>`, `/api/v1/edges`, `/metrics`, `/healthz`, `/readyz`.
 *
 * @throws {FencelineError} `PORT_IN_USE` and the like, naming the port
 */
export async function serveHttpApi(options: HttpApiOptions): Promise<HttpApi> {
  const server = createServer({ headersTimeout: 5_000, requestTimeout: 10_000 }, (request, response) => {
    void respond(request, response, options);
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

async function respond(request: IncomingMessage, response: ServerResponse, options: HttpApiOptions): Promise<void> {
  const { status, type, body } = await answer(request, options).catch((error: unknown) =>
    json(500, { code: "INTERNAL", message: error instanceof Error ? error.message : String(error) }),
  );
  const length = Buffer.byteLength(body);
  response.writeHead(status, {
    "content-type": type,
    "content-length": length,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

async function answer({ method, url = "/" }: IncomingMessage, { reader, metrics, ready }: HttpApiOptions): Promise<Answer> {
  if (method !== "GET" && method !== "HEAD") return json(405, { code: "METHOD_NOT_ALLOWED", message: "this API only reads: use GET" });
  const path = url.split("?", 1)[0] ?? "/";
  const [, namespace, name] = /^\/api\/v1\/fences\/([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(path) ?? [];
  if (namespace !== undefined && name !== undefined) {
    const fence = fenceView(reader, { namespace, name });
    return fence === undefined ? json(404, { code: "FENCE_NOT_FOUND", message: `no ServiceFence ${namespace}/${name}` }) : json(200, fence);
  }
  switch (path) {
    case "/api/v1/fences":
      return json(200, { fences: fencesView(reader) });
    case "/api/v1/edges":
      return json(200, { edges: edgesView(reader) });
    case "/metrics":
      return {
        status: 200,
        type: "text/plain; version=0.0.4; charset=utf-8",
        body: (await Promise.all(metrics().map((each) => each.metrics()))).join("\n"),
      };
    case "/healthz":
      return json(200, { status: "ok" });
    case "/readyz":
      return ready() ? json(200, { status: "ready" }) : json(503, { status: "starting" });
    default:
      return json(404, { code: "NOT_FOUND", message: `no ${path}; see /api/v1/fences, /api/v1/edges, /metrics, /healthz, /readyz` });
  }
}

function json(status: number, value: unknown): Answer {
  return { status, type: JSON_TYPE, body: `${JSON.stringify(value, undefined, 2)}\n` };
}

function listen(server: Server, { host, port }: HttpApiOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const message = `cannot listen on ${host}:${port}: ${cause.message}`;
      reject(new FencelineError("LISTEN_FAILED", { message, hint: "choose another port with --api-port", cause }));
    });
    server.listen(port, host, () => resolve());
  });
}
