import { formatAddress } from "@fenceline/api/vocabulary";
import { Command } from "commander";
import { apiHostOption, hostOption, logFormatOption, logLevelOption, parsePort, parseText } from "../../flags.ts";
import { listenAddress } from "../../listen.ts";
import { createLogger, type LogFormat } from "../../logger.ts";
import { untilSignalled } from "../../signals.ts";

interface Flags {
  readonly dir: string;
  readonly host: string;
  readonly proxyPort: number;
  readonly alsPort: number;
  readonly apiPort: number;
  readonly apiHost: readonly string[];
  readonly demo: boolean;
  readonly config?: string;
  readonly logFormat: LogFormat;
  readonly logLevel: string;
}

/** `fenceline standalone`: everything in one process, with a folder of manifests. */
export function standaloneCommand(): Command {
  return new Command("standalone")
    .description("Run the global sidecar, the collector and a small demo mesh in one process, over a folder of manifests.")
    .option("--dir <folder>", "folder of manifests (*.yaml, *.yml, *.json); state/ and rendered/ are kept in it", parseText, ".fenceline")
    .addOption(hostOption("127.0.0.1"))
    .option("--proxy-port <port>", "port of the global sidecar (HTTP)", parsePort, 18_080)
    .option("--als-port <port>", "port for access logs (gRPC)", parsePort, 18_081)
    .option("--api-port <port>", "port of the API and of /metrics (HTTP)", parsePort, 18_082)
    .addOption(apiHostOption())
    .option("--no-demo", "without the demo mesh")
    .option("--config <file>", "configuration file (YAML)", parseText)
    .addOption(logFormatOption())
    .addOption(logLevelOption())
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const signalled = untilSignalled();
  const lost = Promise.withResolvers<string>();
  // Imported here, since no other command needs it: the global sidecar must stay small.
  const [{ readConfig }, { startStandalone }] = await Promise.all([import("../../config.ts"), import("./standalone.ts")]);
  // A person has started it and reads its log, so it ends with the log's reader (`npm start |
  // head`).
  const logger = createLogger(flags.logFormat, flags.logLevel, () => lost.resolve("standard output was closed"));
  const config = readConfig(flags.config);
  const host = await listenAddress(flags.host, [
    { flag: "--proxy-port", port: flags.proxyPort },
    { flag: "--als-port", port: flags.alsPort },
    { flag: "--api-port", port: flags.apiPort },
  ]);
  const standalone = await startStandalone({ ...flags, host, folder: flags.dir, config, logger });
  const address = (port: number) => formatAddress(host, port);
  logger.info(
    {
      proxy: `http://${address(standalone.proxyPort)}`,
      accessLogs: address(standalone.alsPort),
      fences: `http://${address(standalone.apiPort)}/api/v1/fences`,
      edges: `http://${address(standalone.apiPort)}/api/v1/edges`,
      metrics: `http://${address(standalone.apiPort)}/metrics`,
      folder: flags.dir,
    },
    "fenceline is up; stop it with Ctrl-C",
  );
  logger.info({ signal: await Promise.race([signalled, lost.promise]) }, "stopping");
  await standalone.close();
  logger.info("stopped");
}
