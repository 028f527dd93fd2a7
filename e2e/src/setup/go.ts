import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FencelineError } from "@fenceline/api";
import { findCommand, runCommand } from "./command.ts";
import { builtPart, type Part } from "./part.ts";

/**
 * Oldest Go that builds all of it; an older one from 1.21 on fetches what it needs by itself unless
 * told otherwise.
 */
const GO_VERSION = "1.26";

/** What to take from one Go module. */
export interface GoModule {
  readonly name: string;
  /** Of the tools folder, for all of it. Default: the tools folder itself. */
  readonly folder?: string;
  /** `module/path@version`. */
  readonly module: string;
  /** Packages to build, relative to the module; the last element names the program. */
  readonly packages: readonly string[];
  /** Files of the module to copy: path in that folder to path in the module. */
  readonly files?: Readonly<Record<string, string>>;
  /** A version that the project's own release build stamps into a variable. */
  readonly stamp?: { readonly variable: string; readonly version: string };
}

/**
 * Programs of a Go module, and files of its source.
 *
 * Built in the module's own folder, so that what it depends on is checked by its own go.sum. By
 * `module@version` each dependency would have to be in the checksum database, where some of an
 * older Istio's are not. The module itself is checked there.
 */
export function goModule({ name, folder: place = "", module, packages, files = {}, stamp }: GoModule): Part {
  const made = [...packages.map((one) => `bin/${one.slice(one.lastIndexOf("/") + 1)}`), ...Object.keys(files)];
  return builtPart({
    name,
    source: `Go ${module}${stamp === undefined ? "" : ` as ${stamp.version}`}`,
    files: made.map((file) => join(place, file)),
    async build(folder) {
      const root = join(folder, place);
      const { Dir: source } = await downloadModule(module);
      const targets = packages.map((one) => `./${one}`);
      const stamped = stamp === undefined ? [] : [`-X ${stamp.variable}=${stamp.version}`];
      await runGo(["install", ...buildFlags(stamped), ...targets], { GOBIN: join(root, "bin") }, source);
      for (const [to, from] of Object.entries(files)) await copyInto(join(root, to), join(source, from));
    },
  });
}

/**
 * Flags for a program that nobody debugs: without the information for it, it is half as large and
 * linked in half of the time.
 *
 * @param linker more flags for the linker
 */
export function buildFlags(linker: readonly string[] = []): readonly string[] {
  return ["-trimpath", `-ldflags=${["-s", "-w", ...linker].join(" ")}`];
}

/** Where the module cache has a module: its folder and its go.mod. */
export async function downloadModule(module: string): Promise<{ readonly Dir: string; readonly GoMod: string }> {
  return JSON.parse(await runGo(["mod", "download", "-json", module]));
}

async function copyInto(target: string, source: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await copyFile(source, target);
}

/**
 * Runs the Go command. Without cgo, so that no C compiler is needed.
 *
 * @throws {FencelineError} `LAB_NO_GO` when there is none
 */
export async function runGo(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd?: string): Promise<string> {
  if (findCommand("go") === undefined) {
    throw new FencelineError("LAB_NO_GO", {
      message: `Go ${GO_VERSION} or later is needed to build Istio, Kubernetes and CoreDNS`,
      hint: "install it from https://go.dev/dl/ and put it into PATH",
    });
  }
  return runCommand("go", args, { env: { CGO_ENABLED: "0", ...env }, ...(cwd !== undefined && { cwd }) });
}
