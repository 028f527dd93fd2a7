import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { listenFailed } from "@fenceline/api/vocabulary";
import type { Registry as MetricsRegistry } from "prom-client";
import type { FenceReader } from "./views.ts";

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

/** Not imported: an `import` reads all exports of `node:http`, and with `WebSocket` and its like loads Node's undici, about 7 MB that nothing uses. */
const { createServer }: typeof import("node:http") = createRequire(import.meta.url)("node:http");

const JSON_TYPE = "application/json; charset=utf-8";

/**
 * Starts the read-only API of any Fenceline process: `/healthz`, `/readyz`, `/metrics`, and where there are fences `/api/v1/fences`,
 * `/api/v1/fences/<namespace>/<name>` and `/api/v1/edges`, and beside a global sidecar `/api/v1/calls`. It is up before anything else is: a process that waits for its API server is alive.
 *
 * @throws {FencelineError} `LISTEN_FAILED`, naming the port
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

async function answer({ method, url = "/" }: IncomingMessage, { reader, metrics, notReady, calls }: HttpApiOptions): Promise<Answer> {
  if (method !== "GET" && method !== "HEAD") return json(405, { code: "METHOD_NOT_ALLOWED", message: "this API only reads: use GET" });
  const path = url.split("?", 1)[0] ?? "/";
  switch (path) {
    case "/metrics":
      return {
        status: 200,
        type: "text/plain; version=0.0.4; charset=utf-8",
        body: (await Promise.all(metrics().map((each) => each.metrics()))).join("\n"),
      };
    case "/healthz":
      return json(200, { status: "ok" });
    case "/readyz": {
      const reason = notReady?.();
      return reason === undefined ? json(200, { status: "ready" }) : json(503, { status: "not ready", reason });
    }
    default:
      if (path === "/api/v1/calls" && calls !== undefined) return json(200, { calls: calls() });
      return (
        (reader !== undefined && path.startsWith("/api/v1/") && (await fencesAnswer(path, reader()))) ||
        unknownPath(path, reader !== undefined)
      );
  }
}

/** Undefined when there is no such path. */
async function fencesAnswer(path: string, reader: FenceReader | undefined): Promise<Answer | undefined> {
  if (reader === undefined) return json(503, { code: "NOT_READY", message: "the mesh is not known yet, see /readyz" });
  // Imported here: the global sidecar has probes and metrics only, and the schemas behind the views would take a fifth of its memory.
  const { edgesView, fencesView, fenceView } = await import("./views.ts");
  const [, namespace, name] = /^\/api\/v1\/fences\/([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(path) ?? [];
  if (namespace !== undefined && name !== undefined) {
    const fence = fenceView(reader, { namespace, name });
    return fence === undefined ? json(404, { code: "FENCE_NOT_FOUND", message: `no ServiceFence ${namespace}/${name}` }) : json(200, fence);
  }
  if (path === "/api/v1/fences") return json(200, { fences: fencesView(reader) });
  return path === "/api/v1/edges" ? json(200, { edges: edgesView(reader) }) : undefined;
}

function unknownPath(path: string, hasFences: boolean): Answer {
  const fences = hasFences ? "/api/v1/fences, /api/v1/edges, " : "";
  return json(404, { code: "NOT_FOUND", message: `no ${path}; see ${fences}/metrics, /healthz, /readyz` });
}

function json(status: number, value: unknown): Answer {
  return { status, type: JSON_TYPE, body: `${JSON.stringify(value, undefined, 2)}\n` };
}

function listen(server: Server, { host, port }: HttpApiOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => reject(listenFailed(host, port, cause)));
    server.listen(port, host, () => resolve());
  });
}
