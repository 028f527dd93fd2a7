import { Command } from "commander";
import { listOption, parseText } from "../../flags.ts";

interface Flags {
  readonly filename: readonly string[];
  readonly series: string;
  readonly config?: string;
  readonly svg?: string;
}

/** `fenceline limits`: what is done with limiters without a cluster. */
export function limitsCommand(): Command {
  return new Command("limits").description("Try out SmartLimiters. Needs no cluster.").addCommand(simulateCommand());
}

function simulateCommand(): Command {
  return new Command("simulate")
    .description("Print, as CSV, which quotas the rules of SmartLimiters would have had over a recorded series of values.")
    .addOption(
      listOption(
        "-f, --filename <file...>",
        "manifests with SmartLimiters; a folder for all in it, - for the standard input; one or several",
        parseText,
      ).makeOptionMandatory(),
    )
    .requiredOption(
      "--series <file>",
      "values over time as CSV: a column `time` in seconds or ISO 8601, and one for each value, such as `_base.pod`",
      parseText,
    )
    .option("--config <file>", "configuration of Fenceline, or a module of Slime; default: the defaults", parseText)
    .option("--svg <file>", "also draw quotas and values into this file, as SVG", parseText)
    .addHelpText("after", "\nExit code: 0; 1 when a file is not valid, or a rule cannot be read.")
    .action(async ({ filename, ...flags }: Flags) => {
      // Imported here: the global sidecar's process must not hold the schemas.
      const { simulate } = await import("./simulate.ts");
      process.exitCode = await simulate({ files: filename, ...flags, out: process.stdout, err: process.stderr });
    });
}
