import { EventEmitter, once } from "node:events";
import type { TestContext } from "node:test";
import { until } from "@fenceline/api/testing";
import { type Level, pino } from "pino";
import type { EdgeSink, ReportedEdge, RequestReporter } from "../destination/reported-edge.ts";
import { createGlobalSidecar, type GlobalSidecar, type GlobalSidecarOptions } from "../global-sidecar.ts";
import type { Resolver, Target } from "../resolve/resolver.ts";
import { toAddress } from "../resolve/resolver.ts";

/** Where the tests' services listen, by the host that names them. */
export type Services = Readonly<Record<string, readonly number[]>>;

/** A reporter that keeps what it gets and lets a test wait for it. */
export class RecordedEdges implements EdgeSink, RequestReporter {
  readonly edges: ReportedEdge[] = [];
  /** Of each of them, whether it was in no hurry. */
  readonly known: boolean[] = [];
  readonly #events = new EventEmitter();

  report(edge: ReportedEdge, known = false): void {
    this.edges.push(edge);
    this.known.push(known);
    this.#events.emit("edge");
  }

  reportRequests(edge: ReportedEdge, requests: number): void {
    for (let request = 0; request < requests; request++) this.report(edge);
  }

  /** Resolves once `count` edges were reported. */
  async waitFor(count: number): Promise<readonly ReportedEdge[]> {
    while (this.edges.length < count) await once(this.#events, "edge");
    return this.edges;
  }
}

export interface ProxyUnderTest {
  readonly sidecar: GlobalSidecar;
  readonly port: number;
  readonly reported: RecordedEdges;
  /** Lines that were logged, parsed. */
  readonly log: readonly Record<string, unknown>[];
  /**
   * Value of a metric, for example `fenceline_proxy_requests_total{outcome="2xx"}`; 0 when it does
   * not stand there.
   */
  metric(sample: string): Promise<number>;
  /**
   * Resolves once a metric has this value: what a client sees of the end of a call comes before the
   * proxy's own books.
   */
  until(sample: string, value: number): Promise<void>;
}

export const SERVICE = "details.bookinfo.svc.cluster.local";
export const SOURCE = "bookinfo/productpage";

/**
 * Services by exact host, or by `ip:port` for an original destination. Their endpoints listen on
 * 127.0.0.1.
 */
export function staticResolver(services: Services): Resolver {
  const addresses = new Map(
    Object.entries(services).map(([host, ports]) => [host, ports.map((port) => toAddress("127.0.0.1", port))] as const),
  );
  return {
    resolve: ({ host, kind, port }: Target) => addresses.get(kind === "name" ? host : `${host}:${port}`),
  };
}

/**
 * Starts a proxy that the test's end stops. `services` maps hosts to ports of endpoints on
 * loopback.
 *
 * @param options of the proxy, and from which level on its log is collected. Default `info`
 */
export async function startProxy(
  t: TestContext,
  services: Services,
  { logLevel = "info", ...options }: Partial<GlobalSidecarOptions> & { readonly logLevel?: Level } = {},
): Promise<ProxyUnderTest> {
  const reported = new RecordedEdges();
  const log: Record<string, unknown>[] = [];
  const sidecar = await createGlobalSidecar({
    host: "127.0.0.1",
    port: 0,
    allowLoopback: true,
    resolver: staticResolver(services),
    reporter: reported,
    // Most tests have no certificates. Those that do say what holds without one.
    acceptPlaintext: options.trustForwardedClientCert !== true,
    logger: pino({ level: logLevel }, { write: (line: string) => log.push(JSON.parse(line)) }),
    ...options,
  });
  t.after(() => sidecar.close({ deadline: 100 }));
  const metric = async (sample: string) => {
    const line = (await sidecar.metrics.metrics()).split("\n").find((candidate) => candidate.startsWith(`${sample} `));
    return Number(line?.slice(sample.length + 1) ?? 0);
  };
  return {
    sidecar,
    port: sidecar.address.port,
    reported,
    log,
    metric,
    async until(sample, value) {
      await until(async () => (await metric(sample)) === value);
    },
  };
}
