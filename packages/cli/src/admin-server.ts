import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry as MetricsRegistry } from "prom-client";

/** What an admin server shows. */
export interface AdminOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly metrics: readonly MetricsRegistry[];
  /** Whether new requests should be sent here. */
  readonly ready: () => boolean;
}

/** `/healthz`, `/readyz` and `/metrics`, on a port of their own: what watches a proxy must not share its listener, or its limits. */
export async function serveAdmin({ host, port, metrics, ready }: AdminOptions): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer({ headersTimeout: 5_000, requestTimeout: 10_000 }, (request, response) => {
    const say = (status: number, body: string, type = "text/plain; charset=utf-8") =>
      response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body);
    switch (request.url?.split("?", 1)[0]) {
      case "/healthz":
        return say(200, "ok\n");
      case "/readyz":
        return ready() ? say(200, "ready\n") : say(503, "not ready\n");
      case "/metrics":
        return void Promise.all(metrics.map((registry) => registry.metrics())).then(
          (texts) => say(200, texts.join("\n"), "text/plain; version=0.0.4; charset=utf-8"),
          (error: unknown) => say(500, `${String(error)}\n`),
        );
      default:
        return say(404, "see /healthz, /readyz, /metrics\n");
    }
  }).listen(port, host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
