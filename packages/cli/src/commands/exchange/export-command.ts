import { Command, Option, type Command as Program } from "commander";
import { parseText } from "../../flags.ts";
import type { ExportPlace } from "./export.ts";

interface Flags extends ExportPlace {
  readonly format: "service-fence" | "sidecar" | "authorization-policy";
  readonly namespace?: string;
  readonly times: boolean;
  readonly output?: string;
}

/** The flags that name the source of an export. */
export function withPlace(command: Program): Program {
  return command
    .addOption(
      new Option("--url <url>", "API of a running collector, such as http://localhost:18082")
        .argParser(parseText)
        .conflicts(["dir", "kubeconfig"]),
    )
    .option("--token-file <file>", "file with the token for it", parseText)
    .addOption(new Option("--dir <folder>", "folder of a standalone Fenceline").argParser(parseText).conflicts("kubeconfig"))
    .option("--kubeconfig <file>", "cluster to read; default: $KUBECONFIG, ~/.kube/config, else the pod's service account", parseText);
}

/** `fenceline export`: what was learned, as objects to be applied elsewhere. */
export function exportCommand(): Program {
  return withPlace(new Command("export"))
    .description("Print what fences have learned, as YAML: fences that declare it, Sidecars that need no Fenceline, or who calls whom.")
    .addOption(
      new Option("--format <format>", "kind of objects")
        .choices(["service-fence", "sidecar", "authorization-policy"])
        .default("service-fence", "service-fence"),
    )
    .option("--namespace <namespace>", "objects of this namespace only; default: of all", parseText)
    .option("--times", "say in comments when a host was last called, which differs with each export", false)
    .option("-o, --output <file>", "file to write; default: the standard output", parseText)
    .action(async ({ output, ...flags }: Flags) => {
      // Imported here: the global sidecar's process must not hold the schemas.
      const { takeExport, writeObjects } = await import("./export.ts");
      writeObjects(await takeExport({ ...flags, now: Date.now() }), output);
    });
}
