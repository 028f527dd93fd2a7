import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { FencelineError } from "@fenceline/api";

/** How to run a command of the setup. */
export interface CommandOptions {
  readonly cwd?: string;
  /** Added to our own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Its standard input. Default: none. */
  readonly input?: string;
}

/**
 * Administration programs are often missing from a plain user's PATH, and root may have come from
 * one.
 */
const FOLDERS = [...(process.env.PATH ?? "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin"].filter((folder) => folder !== "");

/** Lines of its output that a failed command is reported with. */
const SHOWN_LINES = 15;

/**
 * Runs a command to its end and returns its standard output.
 *
 * @throws {FencelineError} `LAB_COMMAND_FAILED` with the end of what it said
 */
export async function runCommand(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const env = { ...process.env, PATH: FOLDERS.join(":"), ...options.env };
  const child = spawn(command, args, { stdio: "pipe", cwd: options.cwd, env });
  // A command that ends before it has read everything: its exit code tells.
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  const ended = new Promise<string>((resolve) => {
    child.once("error", ({ message }) => resolve(message));
    child.once("close", (code, signal) => resolve(code === 0 ? "" : `ended with ${signal ?? `exit code ${code}`}`));
  });
  const [failure, output, errors] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  if (failure === "") return output;
  const said = `${errors}${errors === "" ? output : ""}`.trim().split("\n").slice(-SHOWN_LINES).join("\n");
  throw new FencelineError("LAB_COMMAND_FAILED", {
    message: `${[command, ...args].join(" ")} ${failure}${said === "" ? "" : `:\n${said}`}`,
  });
}

/** Full path of a command, or undefined when this machine has none of that name. */
export function findCommand(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
