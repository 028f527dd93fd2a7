import { Command, Option } from "commander";
import { parseText } from "../../flags.ts";

interface Flags {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly dir: string;
  readonly namespace?: string;
  readonly fence?: string;
  readonly hidden: boolean;
  readonly format: "table" | "json";
}

/** `fenceline report`: what enforcing fences would hide, save and risk. */
export function reportCommand(): Command {
  return new Command("report")
    .description(
      "Print what enforcing fences would hide, what that would save in each Envoy, what it risks, and whether they may be enforced.",
    )
    .addOption(
      new Option("--url <url>", "API of a running collector, such as http://localhost:18082").argParser(parseText).conflicts("dir"),
    )
    .option("--token-file <file>", "file with the token for it", parseText)
    .option("--dir <folder>", "folder of a standalone Fenceline, where no --url is given", parseText, ".fenceline")
    .addOption(new Option("--fence <namespace/name>", "one fence, with the names of hosts").argParser(parseText).conflicts("namespace"))
    .option("--hidden", "with --fence: name the hosts that it hides, too, which are of all namespaces", false)
    .option("--namespace <namespace>", "fences of this namespace only; default: of all", parseText)
    .addOption(new Option("--format <format>", "form of the answer").choices(["table", "json"]).default("table", "table"))
    .addHelpText("after", "\nExit code: 0 whatever the verdicts are; 2 when they cannot be read.")
    .action(async (flags: Flags) => {
      // Imported here: the global sidecar's process must not hold the schemas.
      const { report } = await import("./report.ts");
      await report({ ...flags, out: process.stdout, now: Date.now() });
    });
}
