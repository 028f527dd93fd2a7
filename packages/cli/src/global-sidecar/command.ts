import { hostname } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { createEdgeReporter } from "@fenceline/als";
import { serveHttpApi } from "@fenceline/collector/http-api";
import { createDnsResolver, createGlobalSidecar } from "@fenceline/proxy";
import { Command, Option } from "commander";
import type { Logger } from "pino";
import { logFormatOption, logLevelOption, parseDurationFlag, parsePort } from "../flags.ts";
import { createLogger, type LogFormat } from "../logger.ts";
import { reporterMetrics } from "../reporter-metrics.ts";
import { untilSignalled } from "../signals.ts";

interface Flags {
  readonly host: string;
  readonly port: number;
  readonly adminPort: number;
  readonly collector: string;
  readonly clusterDomain: string;
  readonly ownName: string[];
  readonly external: "forward" | "refuse";
  readonly drainDelay: number;
  readonly drain: number;
  readonly trustForwardedClientCert: boolean;
  readonly logFormat: LogFormat;
  readonly logLevel: string;
}

/** `fenceline global-sidecar`: the fallback proxy in a cluster, beside an Envoy of its own. */
export function globalSidecarCommand(): Command {
  return new Command("global-sidecar")
    .description("Run the global sidecar in a cluster: forward unknown hosts by cluster DNS and report their edges.")
    .requiredOption("--collector <host:port>", "access-log service of the collector")
    .option("--host <address>", "address to listen on", "0.0.0.0")
    .option("--port <port>", "port for requests (HTTP)", parsePort, 18_080)
    .option("--admin-port <port>", "port of /healthz, /readyz, /metrics and /api/v1/calls", parsePort, 18_083)
    .option("--cluster-domain <domain>", "DNS domain of the cluster", "cluster.local")
    .option("--own-name <host>", "fully qualified name of our own Service, never forwarded to; may be given again", append, [])
    .addOption(
      new Option("--external <policy>", "hosts that are no service of the cluster").choices(["forward", "refuse"]).default("forward"),
    )
    .option("--trust-forwarded-client-cert", "believe x-forwarded-client-cert: only behind an Envoy that writes it", false)
    .option("--drain-delay <duration>", "after SIGTERM: how long requests are still taken, until everybody knows", parseDurationFlag, 5_000)
    .option("--drain <duration>", "after that: how long requests in flight may take to finish", parseDurationFlag, 25_000)
    .addOption(logFormatOption())
    .addOption(logLevelOption())
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const logger = createLogger(flags.logFormat, flags.logLevel);
  const stop = untilSignalled();
  const reporter = createEdgeReporter({
    target: flags.collector,
    nodeId: `global-sidecar~${hostname()}`,
    onEvent: ({ type, ...rest }) => logger.info(rest, `collector ${type}`),
  });
  const proxy = await createGlobalSidecar({
    host: flags.host,
    port: flags.port,
    resolver: createDnsResolver({ clusterDomain: flags.clusterDomain }),
    reporter,
    logger,
    clusterDomain: flags.clusterDomain,
    externalHosts: flags.external,
    ownNames: flags.ownName,
    trustForwardedClientCert: flags.trustForwardedClientCert,
  });
  let isStopping = false;
  const registries = [proxy.metrics, reporterMetrics({ stats: () => reporter.stats() })];
  // What watches a proxy must not share its listener, or its limits.
  const admin = await serveHttpApi({
    host: flags.host,
    port: flags.adminPort,
    metrics: () => registries,
    calls: () => proxy.longLivedCalls(),
    notReady: () => (isStopping ? "stopping" : undefined),
  });
  logger.info({ port: proxy.address.port, adminPort: admin.port, collector: flags.collector }, "global sidecar is up");

  await drain(await stop, flags, logger, () => {
    isStopping = true;
  });
  await proxy.close({ deadline: flags.drain });
  await reporter.close();
  await admin.close();
  logger.info("stopped");
}

/** Endpoints are taken out of service some time after readiness fails; requests that are sent until then must not be refused. */
async function drain(signal: NodeJS.Signals, { drainDelay }: Flags, logger: Logger, failReadiness: () => void): Promise<void> {
  failReadiness();
  logger.info({ signal, drainDelayMs: drainDelay }, "stopping");
  await wait(drainDelay);
}

function append(host: string, hosts: string[]): string[] {
  return [...hosts, host];
}
