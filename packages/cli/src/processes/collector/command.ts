import { hostname } from "node:os";
import type { Config } from "@fenceline/api";
import { Command, Option } from "commander";
import { apiHostOption, hostOption, logFormatOption, logLevelOption, namespaceOption, parsePort, parseText } from "../../flags.ts";
import { EVERY_ADDRESS, listenAddress } from "../../listen.ts";
import { createLogger, type LogFormat } from "../../logger.ts";
import { untilSignalled } from "../../signals.ts";
import { limitHeapGrowth } from "../heap-growth.ts";

interface Flags {
  readonly host: string;
  readonly alsPort: number;
  readonly apiPort: number;
  readonly apiHost: readonly string[];
  readonly config?: string;
  readonly namespace: string;
  readonly identity: string;
  readonly kubeconfig?: string;
  readonly istiodCredentials?: string;
  readonly logFormat: LogFormat;
  readonly logLevel: string;
}

/**
 * `fenceline collector`: the daemon in a cluster. Every replica learns, only the leader ages and
 * renders.
 */
export function collectorCommand(): Command {
  return new Command("collector")
    .description("Run the collector in a cluster: take access logs, learn edges, keep the fences' Sidecars and EnvoyFilters.")
    .addOption(hostOption(EVERY_ADDRESS))
    .option("--als-port <port>", "port for access logs (gRPC)", parsePort, 18_081)
    .option("--api-port <port>", "port of the API and of /metrics (HTTP)", parsePort, 18_082)
    .addOption(apiHostOption())
    .option("--config <file>", "configuration file (YAML)", parseText)
    .option(
      "--istiod-credentials <folder>",
      "folder with the files token and root-cert.pem, with which istiods are asked which proxies refuse their configuration; default: they are not asked",
      parseText,
    )
    .addOption(namespaceOption("namespace of Fenceline, for its Lease"))
    .addOption(new Option("--identity <name>", "name of this replica").argParser(parseText).env("POD_NAME").default(hostname(), hostname()))
    .option("--kubeconfig <file>", "cluster to work on; default: $KUBECONFIG, ~/.kube/config, else the pod's service account", parseText)
    .addOption(logFormatOption())
    .addOption(logLevelOption())
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  limitHeapGrowth();
  const stop = untilSignalled();
  // Imported here, since no other command needs it: the global sidecar must stay small.
  const [{ readConfig }, { Replica }] = await Promise.all([import("../../config.ts"), import("./replica.ts")]);
  const logger = createLogger(flags.logFormat, flags.logLevel);
  const config: Config = { ...readConfig(flags.config), namespace: flags.namespace };
  const host = await listenAddress(flags.host, [
    { flag: "--als-port", port: flags.alsPort },
    { flag: "--api-port", port: flags.apiPort },
  ]);
  const replica = await Replica.create({ ...flags, host, config, logger });
  logger.info({ apiPort: replica.apiPort }, "collector reads the mesh");
  try {
    const signal = await Promise.race([replica.start(), stop]);
    if (signal === undefined) logger.info({ alsPort: replica.accessLogPort, apiPort: replica.apiPort }, "collector is up");
    logger.info({ signal: await stop }, "stopping");
  } finally {
    await replica.close();
  }
  logger.info("stopped");
}
