#!/usr/bin/env node
import { FencelineError, printableLines } from "@fenceline/api/vocabulary";
import { Command, CommanderError } from "commander";
import { VERSION } from "./build-info.ts";
import { diffCommand } from "./commands/exchange/diff-command.ts";
import { exportCommand } from "./commands/exchange/export-command.ts";
import { importCommand } from "./commands/exchange/import-command.ts";
import { limitsCommand } from "./commands/limits/command.ts";
import { migrateCommand } from "./commands/migrate/command.ts";
import { renderCommand } from "./commands/render/command.ts";
import { reportCommand } from "./commands/report/command.ts";
import { withdrawCommand } from "./commands/withdraw/command.ts";
import { collectorCommand } from "./processes/collector/command.ts";
import { globalSidecarCommand } from "./processes/global-sidecar/command.ts";
import { standaloneCommand } from "./processes/standalone/command.ts";

/** Exit codes: for errors that the user can correct, and for our own. */
const WRONG_INPUT = 2;
const OUR_FAULT = 1;
/** After a failed start, longest wait for what is still open, in milliseconds. */
const LAST_RESORT_MS = 2_000;

// The reader of our output may have ended (`fenceline --help | head -1`): this is no error, and
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
  limitsCommand(),
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
  // A failed comparison must not look like one that found differences.
  process.exitCode = program.args[0] === "diff" && codeOf(error) !== 0 ? WRONG_INPUT : codeOf(error);
  // A fault quotes files of others, and a terminal executes control characters. Each fault of a
  // file has its own line.
  if (!(error instanceof CommanderError)) process.stderr.write(`${printableLines(textOf(error))}\n`);
  if (process.exitCode !== 0) setTimeout(() => process.exit(), LAST_RESORT_MS).unref();
}

/**
 * Commander shows the help before it checks the other arguments, so a script with a wrong command
 * beside `--help` would succeed.
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

/**
 * An expected error is for the user to correct, and needs no stack trace. Any other is our fault.
 */
function textOf(error: unknown): string {
  if (error instanceof FencelineError) return error.message;
  return error instanceof Error ? String(error.stack) : String(error);
}
