import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Config, FencelineError } from "@fenceline/api";
import { Collector } from "@fenceline/collector";
import { KubernetesApi, KubernetesStore, kubeConfigLoader, LeaderElection } from "@fenceline/store/kubernetes";
import { Command } from "commander";
import type { Logger } from "pino";
import { readConfig } from "../config.ts";
import { logFormatOption, logLevelOption, parsePort } from "../flags.ts";
import { createLogger, type LogFormat } from "../logger.ts";
import { untilSignalled } from "../signals.ts";
import { ownProxyVersion } from "./own-proxy.ts";

interface Flags {
  readonly host: string;
  readonly alsPort: number;
  readonly apiPort: number;
  readonly config?: string;
  readonly namespace: string;
  readonly identity: string;
  readonly kubeconfig?: string;
  readonly logFormat: LogFormat;
  readonly logLevel: string;
}

/** Name of the Lease that the replicas share. */
const LEASE = "fenceline-collector";

/** `fenceline collector`: the daemon in a cluster. Every replica learns, the leader alone ages and renders. */
export function collectorCommand(): Command {
  return new Command("collector")
    .description("Run the collector in a cluster: take access logs, learn edges, keep the fences' Sidecars and EnvoyFilters.")
    .option("--host <address>", "address to listen on", "0.0.0.0")
    .option("--als-port <port>", "port for access logs (gRPC)", parsePort, 18_081)
    .option("--api-port <port>", "port of the API and of /metrics (HTTP)", parsePort, 18_082)
    .option("--config <file>", "configuration file (YAML)")
    .option("--namespace <namespace>", "namespace of Fenceline, for its Lease", process.env.POD_NAMESPACE ?? "fenceline")
    .option("--identity <name>", "name of this replica", process.env.POD_NAME ?? hostname())
    .option("--kubeconfig <file>", "cluster to work on; default: $KUBECONFIG, ~/.kube/config, else the pod's service account")
    .addOption(logFormatOption())
    .addOption(logLevelOption())
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const logger = createLogger(flags.logFormat, flags.logLevel);
  const config: Config = { ...readConfig(flags.config), namespace: flags.namespace };
  const stop = untilSignalled();
  const replica = await startReplica(flags, config, logger);
  logger.info({ alsPort: replica.collector.accessLogPort, apiPort: replica.collector.apiPort }, "collector is up");
  logger.info({ signal: await stop }, "stopping");
  await replica.close();
  logger.info("stopped");
}

/** One replica: it learns as soon as it knows the mesh, and stands for election once it can do the leader's work. */
async function startReplica(flags: Flags, config: Config, logger: Logger) {
  const onTrouble = ({ code, at, message }: FencelineError) => logger.warn({ code, at, detail: message }, "trouble with the API server");
  const api = new KubernetesApi(await kubeConfigLoader(flags.kubeconfig));
  let collector: Collector | undefined;
  const election = new LeaderElection({
    api,
    namespace: flags.namespace,
    name: LEASE,
    identity: `${flags.identity}_${randomUUID()}`,
    onChange: (leads) => {
      logger.info({ leads }, "leadership changed");
      if (leads) collector?.leadershipChanged();
    },
    onTrouble,
  });
  const proxyVersion = await ownProxyVersion();
  logger.info({ proxyVersion }, proxyVersion === undefined ? "our own pod has no proxy of Istio's" : "our own pod has a proxy");
  const store = await KubernetesStore.open({ api, leadership: election, onTrouble });
  try {
    collector = await Collector.start({
      store,
      config,
      logger,
      accessLogs: { host: flags.host, port: flags.alsPort },
      api: { host: flags.host, port: flags.apiPort },
      leads: () => election.mayWrite(),
      fallbackReady: (mesh) => mesh.hasFallback(),
      ...(proxyVersion !== undefined && { proxyVersion }),
    });
  } catch (error) {
    await store.close();
    throw error;
  }
  election.start();
  const running = collector;
  const close = async () => {
    // The collector first: what it still has to write needs the lease and the store.
    await running.close();
    await election.stop();
    await store.close();
  };
  return { collector: running, close };
}
