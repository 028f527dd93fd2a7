#!/usr/bin/env node
import { FencelineError, printableLines } from "@fenceline/api/vocabulary";
import { Command, CommanderError } from "commander";
import { VERSION } from "./build-info.ts";
import { diffCommand } from "./commands/exchange/diff-command.ts";
import { exportCommand } from "./commands/exchange/export-command.ts";
import { importCommand } from "./commands/exchange/import-command.ts";
import { migrateCommand } from "./commands/migrate/command.ts";
import { renderCommand } from "./commands/render/command.ts";
import { reportCommand } from "./commands/report/command.ts";
import { withdrawCommand } from "./commands/withdraw/command.ts";
import { collectorCommand } from "./processes/collector/command.ts";
import { globalSidecarCommand } from "./processes/global-sidecar/command.ts";
import { standaloneCommand } from "./processes/standalone/command.ts";

/** Exit codes: what the user can mend, and what is our fault. */
const WRONG_INPUT = 2;
const OUR_FAULT = 1;
/**
 * What a failed start may still hold open is not waited for any longer than this, in milliseconds.
 */
const LAST_RESORT_MS = 2_000;

// Whoever read us may have gone (`fenceline --help | head -1`): that is no fault of ours, and
// nobody is left to be told.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

const program = new Command("fenceline")
  .description("Each Envoy of an Istio mesh is told only about the services that its workload calls.")
  .version(VERSION, "-V, --version", "print the version")
  .addHelpText("beforeAll", refuseUnknown)
  .showHelpAfterError("(fenceline --help lists the commands, fenceline <command> --help their flags)")
  .exitOverride();
for (const command of [
  standaloneCommand(),
  globalSidecarCommand(),
  collectorCommand(),
  renderCommand(),
  migrateCommand(),
  withdrawCommand(),
  exportCommand(),
  importCommand(),
  diffCommand(),
  reportCommand(),
])
  program.addCommand(command.copyInheritedSettings(program));

try {
  await program.parseAsync();
} catch (error) {
  // A comparison that failed must not look like one that found something.
  process.exitCode = program.args[0] === "diff" && codeOf(error) !== 0 ? WRONG_INPUT : codeOf(error);
  // A fault names what stands in files of others, and a terminal obeys what it is sent. The faults
  // of a file have a line each.
  if (!(error instanceof CommanderError)) process.stderr.write(`${printableLines(textOf(error))}\n`);
  if (process.exitCode !== 0) setTimeout(() => process.exit(), LAST_RESORT_MS).unref();
}

/**
 * Commander shows the help before it looks at what else was asked, and a script that mistypes a
 * command beside `--help` would read a success.
 *
 * @returns nothing to print
 * @throws {CommanderError} naming the command, flag or argument that there is none of
 */
function refuseUnknown({ command }: { readonly command: Command }): string {
  const isHelpCommand = program.args[0] === "help";
  const [named, ...others] = isHelpCommand ? program.args.slice(1) : [];
  const asked = isHelpCommand ? (named === command.name() ? others : program.args.slice(1)) : command.args;
  const isCommand = (arg: string) => command.commands.some((each) => each.name() === arg);
  const unknown = asked.find((arg) => arg !== "-h" && arg !== "--help" && arg !== "--" && !isCommand(arg));
  if (unknown === undefined) return "";
  if (unknown.startsWith("-")) return command.error(`error: unknown option '${unknown}'`);
  return command.error(command === program ? `error: unknown command '${unknown}'` : `error: too many arguments: '${unknown}'`);
}

function codeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_INPUT;
  return error instanceof FencelineError ? WRONG_INPUT : OUR_FAULT;
}

/** A fault that we foresaw is the user's to mend, and needs no stack trace; any other is ours. */
function textOf(error: unknown): string {
  if (error instanceof FencelineError) return error.message;
  return error instanceof Error ? String(error.stack) : String(error);
}
