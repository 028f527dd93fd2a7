import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
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
  /** `module/path@version`. */
  readonly module: string;
  /** Packages to build, relative to the module; the last element names the program. */
  readonly packages: readonly string[];
  /** Files of the module to copy: path in the tools folder to path in the module. */
  readonly files?: Readonly<Record<string, string>>;
  /** A version that the project's own release build stamps into a variable. */
  readonly stamp?: { readonly variable: string; readonly version: string };
}

/** Programs of a Go module, as `go install` gives them, and files of its source. */
export function goModule({ name, module, packages, files = {}, stamp }: GoModule): Part {
  const [path, version] = module.split("@");
  return builtPart({
    name,
    source: `Go ${module}${stamp === undefined ? "" : ` as ${stamp.version}`}`,
    files: [...packages.map((one) => `bin/${one.slice(one.lastIndexOf("/") + 1)}`), ...Object.keys(files)],
    async build(folder) {
      const bin = join(folder, "bin");
      const targets = packages.map((one) => `${path}/${one}@${version}`);
      const stamped = stamp === undefined ? [] : [`-X ${stamp.variable}=${stamp.version}`];
      await runGo(["install", ...buildFlags(stamped), ...targets], { GOBIN: bin });
      await copyFromModule(module, folder, files);
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

async function copyFromModule(module: string, folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  if (Object.keys(files).length === 0) return;
  const { Dir } = await downloadModule(module);
  for (const [to, from] of Object.entries(files)) {
    const target = join(folder, to);
    await mkdir(join(target, ".."), { recursive: true });
    await copyFile(join(Dir, from), target);
  }
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
