import type { Registry as MetricsRegistry } from "prom-client";
import { send, sendJson } from "./answers.ts";
import type { Route } from "./route.ts";

/** What probes and scrapes of a process return. */
export interface ProbeOptions {
  /** Several registries are concatenated. Their metric names must differ. */
  readonly metrics: () => readonly Pick<MetricsRegistry, "metrics">[];
  /** Why this process is not ready; undefined when it is. Default: it is ready. */
  readonly notReady?: () => string | undefined;
}

const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** `/metrics`, `/healthz` and `/readyz`. */
export function probeRoutes({ metrics, notReady = () => undefined }: ProbeOptions): Route[] {
  /** The scrape that is under way: further requests meanwhile get the same result. */
  let scrape: Promise<string> | undefined;
  const text = () => {
    scrape ??= Promise.all(metrics().map((each) => each.metrics()))
      .then((texts) => texts.join("\n"))
      .finally(() => {
        scrape = undefined;
      });
    return scrape;
  };
  return [
    { method: "GET", path: "/metrics", right: "none", answer: async (_, response) => send(response, 200, METRICS_TYPE, await text()) },
    { method: "GET", path: "/healthz", right: "none", answer: (_, response) => sendJson(response, 200, { status: "ok" }) },
    {
      method: "GET",
      path: "/readyz",
      right: "none",
      answer(_, response) {
        const reason = notReady();
        if (reason === undefined) sendJson(response, 200, { status: "ready" });
        else sendJson(response, 503, { status: "not ready", reason });
      },
    },
  ];
}
