import { Command } from "commander";
import { logFormatOption, logLevelOption, parsePort } from "../flags.ts";
import { createLogger, type LogFormat } from "../logger.ts";
import { untilSignalled } from "../signals.ts";

interface Flags {
  readonly dir: string;
  readonly host: string;
  readonly proxyPort: number;
  readonly alsPort: number;
  readonly apiPort: number;
  readonly demo: boolean;
  readonly config?: string;
  readonly logFormat: LogFormat;
  readonly logLevel: string;
}

/** `fenceline standalone`: everything in one process, over a folder of manifests. */
export function standaloneCommand(): Command {
  return new Command("standalone")
    .description("Run the global sidecar, the collector and a small demo mesh in one process, over a folder of manifests.")
    .option("--dir <folder>", "folder of *.yaml manifests; state/ and rendered/ are kept in it", ".fenceline")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--proxy-port <port>", "port of the global sidecar (HTTP)", parsePort, 18_080)
    .option("--als-port <port>", "port for access logs (gRPC)", parsePort, 18_081)
    .option("--api-port <port>", "port of the API and of /metrics (HTTP)", parsePort, 18_082)
    .option("--no-demo", "without the demo mesh")
    .option("--config <file>", "configuration file (YAML)")
    .addOption(logFormatOption())
    .addOption(logLevelOption())
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  // Imported here: the other commands need none of it, and the global sidecar is to stay small.
  const [{ readConfig }, { startStandalone }] = await Promise.all([import("../config.ts"), import("./standalone.ts")]);
  const logger = createLogger(flags.logFormat, flags.logLevel);
  const config = readConfig(flags.config);
  const stop = untilSignalled();
  const standalone = await startStandalone({ ...flags, folder: flags.dir, config, logger });
  const url = (port: number) => `http://${flags.host}:${port}`;
  logger.info(
    {
      proxy: url(standalone.proxyPort),
      accessLogs: `${flags.host}:${standalone.alsPort}`,
      fences: `${url(standalone.apiPort)}/api/v1/fences`,
      edges: `${url(standalone.apiPort)}/api/v1/edges`,
      metrics: `${url(standalone.apiPort)}/metrics`,
      folder: flags.dir,
    },
    "fenceline is up; stop it with Ctrl-C",
  );
  logger.info({ signal: await stop }, "stopping");
  await standalone.close();
  logger.info("stopped");
}
