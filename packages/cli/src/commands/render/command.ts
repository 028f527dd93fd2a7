import { Command } from "commander";
import { listOption, parseText } from "../../flags.ts";

interface Flags {
  readonly filename: readonly string[];
  readonly config?: string;
  readonly metrics?: string;
}

/** `fenceline render`: what would be applied for some manifests, without a cluster. */
export function renderCommand(): Command {
  return new Command("render")
    .description("Print the Istio objects that would be applied for the fences and limiters in some manifests, as YAML. Needs no cluster.")
    .addOption(
      listOption(
        "-f, --filename <file...>",
        "manifests: fences and limiters, and the Services and Namespaces that they refer to; a folder for all in it, - for the standard input; one or several",
        parseText,
      ).makeOptionMandatory(),
    )
    .option("--config <file>", "configuration of Fenceline, or the general of a Slime module; default: the defaults", parseText)
    .option("--metrics <file>", "values by name, such as {_base.pod: 3}, instead of measured ones", parseText)
    .addHelpText("after", "\nExit code: 0; 1 when a file is not valid, or an object of ours cannot be rendered.")
    .action(async ({ filename, config, metrics }: Flags) => {
      // Imported here: the global sidecar's process must not hold the schemas.
      const { render } = await import("./render.ts");
      process.exitCode = await render({ files: filename, config, metrics, out: process.stdout, err: process.stderr, now: Date.now() });
    });
}
