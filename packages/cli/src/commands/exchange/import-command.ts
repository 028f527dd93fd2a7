import { Command } from "commander";
import { listOption, parseText } from "../../flags.ts";

interface Flags {
  readonly filename: readonly string[];
  readonly output?: string;
}

/** `fenceline import`: fences from other sources that say what a workload calls. */
export function importCommand(): Command {
  return new Command("import")
    .description("Print ServiceFences that declare what fences have learned, or what Sidecars show, as YAML. Needs no cluster.")
    .addOption(
      listOption(
        "-f, --filename <file...>",
        "ServiceFences and Sidecars; a folder for all in it, - for the standard input",
        parseText,
      ).makeOptionMandatory(),
    )
    .option("-o, --output <folder>", "folder to write a file for each fence into; default: the standard output", parseText)
    .addHelpText("after", "\nExit code: 0; 1 when an object is left out; 2 when a file is not valid.")
    .action(async ({ filename, output }: Flags) => {
      // Imported here: the global sidecar's process must not hold the schemas.
      const { importObjects } = await import("./import.ts");
      process.exitCode = await importObjects({ files: filename, output, out: process.stdout, err: process.stderr });
    });
}
