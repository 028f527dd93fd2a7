import { Command, Option } from "commander";
import { parseText } from "../../flags.ts";
import type { ExportPlace } from "./export.ts";
import { withPlace } from "./export-command.ts";

interface Flags extends ExportPlace {
  readonly format: "text" | "json";
  readonly namespace?: string;
}

/** `fenceline diff`: what was learned since an export. */
export function diffCommand(): Command {
  return withPlace(new Command("diff"))
    .description("Print what differs between two exports, or between an export and what a collector, a folder or a cluster has now.")
    .argument("<export>", "file or folder with an export, - for the standard input", parseText)
    .argument("[export]", "another one; default: what --url, --dir or --kubeconfig names", parseText)
    .addOption(new Option("--format <format>", "form of the answer").choices(["text", "json"]).default("text", "text"))
    .option("--namespace <namespace>", "objects of this namespace only; default: of all", parseText)
    .addHelpText("after", "\nExit code: 0 when nothing differs, 1 when something does, 2 when it cannot be told.")
    .action(async (before: string, after: string | undefined, flags: Flags) => {
      const { diff } = await import("./diff.ts");
      process.exitCode = await diff({ before, after, ...flags, out: process.stdout, now: Date.now() });
    });
}
