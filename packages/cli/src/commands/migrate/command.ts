import { Command } from "commander";
import { listOption, parseText } from "../../flags.ts";

interface Flags {
  readonly filename: readonly string[];
}

/** `fenceline migrate`: the settings of a Slime installation as values of our chart. */
export function migrateCommand(): Command {
  return new Command("migrate")
    .description("Print values for Fenceline's chart that say what a SlimeBoot of Slime says, as YAML. Needs no cluster.")
    .addOption(
      listOption(
        "-f, --filename <file...>",
        "SlimeBoot, ConfigMap or module of Slime, as YAML or JSON; - for the standard input; one or several",
        parseText,
      ).makeOptionMandatory(),
    )
    .addHelpText(
      "after",
      "\nEach setting that has no effect here has a line on the standard error, with the reason.\n\nExit code: 0; 1 when a file cannot be read, has no settings of Slime, or has a value that we do not take.",
    )
    .action(async ({ filename }: Flags) => {
      // Imported here: the global sidecar's process must not hold the schemas.
      const { migrate } = await import("./migrate.ts");
      process.exitCode = await migrate({ files: filename, out: process.stdout, err: process.stderr });
    });
}
