import { Command } from "commander";
import { durationOption, logFormatOption, logLevelOption, namespaceOption, parseText } from "../../flags.ts";
import { createLogger, type LogFormat } from "../../logger.ts";

interface Flags {
  readonly namespace: string;
  readonly settle: number;
  readonly kubeconfig?: string;
  readonly logFormat: LogFormat;
  readonly logLevel: string;
}

/** `fenceline withdraw`: the chart runs it before it is uninstalled. */
export function withdrawCommand(): Command {
  return new Command("withdraw")
    .description(
      "Stop the collector and delete every Sidecar and EnvoyFilter that it rendered, so that each workload sees the whole mesh again.",
    )
    .addOption(namespaceOption("namespace of Fenceline"))
    .addOption(
      durationOption(
        "--settle <duration>",
        "time for Envoys in each of the two steps in which they learn the whole mesh again, 1s at least",
        "10s",
        { least: 1_000 },
      ),
    )
    .option("--kubeconfig <file>", "cluster to work on; default: $KUBECONFIG, ~/.kube/config, else the pod's service account", parseText)
    .addOption(logFormatOption())
    .addOption(logLevelOption())
    .action(async ({ namespace, settle, kubeconfig, logFormat, logLevel }: Flags) => {
      // Imported here, since no other command needs it: the global sidecar must stay small.
      const [{ KubernetesApi, kubeConfigLoader }, { withdraw }] = await Promise.all([
        import("@fenceline/kubernetes"),
        import("./withdraw.ts"),
      ]);
      const api = new KubernetesApi(await kubeConfigLoader(kubeconfig));
      await withdraw({ api, namespace, settle, logger: createLogger(logFormat, logLevel), timeout: 60_000, interval: 500 });
    });
}
