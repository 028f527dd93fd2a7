import { FencelineError } from "@fenceline/api";
import { findCommand, runCommand } from "./command.ts";
import type { Part } from "./part.ts";

/**
 * A Debian package, needed for one command. It counts as there when the command is, wherever it
 * came from.
 */
export function debianPackage(name: string, command: string): Part {
  return {
    name: command,
    source: `Debian ${name}`,
    isThere: async () => findCommand(command) !== undefined,
    install: () => install(name, command),
  };
}

async function install(name: string, command: string): Promise<void> {
  if (findCommand("apt-get") === undefined) {
    throw new FencelineError("LAB_NO_APT", {
      message: `'${command}' is not on this machine, and there is no apt-get to install the Debian package ${name} with`,
      hint: `install '${command}' as your distribution does, and run npm run e2e:setup again`,
    });
  }
  await updateOnce();
  await runCommand("apt-get", ["install", "--yes", "--no-install-recommends", name], { env: { DEBIAN_FRONTEND: "noninteractive" } });
}

let updated: Promise<string> | undefined;

/** A fresh machine's package lists are empty or older than the archive. */
function updateOnce(): Promise<string> {
  updated ??= runCommand("apt-get", ["update"]);
  return updated;
}
