import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { toolPath } from "../../../scripts/tools/tools.mjs";
import { LAB_TOOLS, PROJECT } from "../places.ts";
import { runCommand } from "./command.ts";

/** One thing that the lab needs on this machine. */
export interface Part {
  readonly name: string;
  /** Package and version, as a person would install it. */
  readonly source: string;
  isThere(): Promise<boolean>;
  install(): Promise<void>;
}

/** A part that is built into the tools folder. */
export interface BuiltPart {
  readonly name: string;
  /** Package and version. The part is built again when it differs from what was built. */
  readonly source: string;
  /** What `build` makes, relative to its folder and to the tools folder. */
  readonly files: readonly string[];
  build(folder: string): Promise<void>;
}

/**
 * Builds beside the tools and moves the files there whole. The stamp, which says what was built, is
 * removed first and written last: a setup that is interrupted leaves nothing that looks installed.
 */
export function builtPart(part: BuiltPart): Part {
  const stamp = join(LAB_TOOLS, "stamps", part.name);
  return {
    name: part.name,
    source: part.source,
    async isThere() {
      const built = await readFile(stamp, "utf8").catch(() => "");
      return built === part.source && part.files.every((file) => existsSync(join(LAB_TOOLS, file)));
    },
    async install() {
      await mkdir(dirname(stamp), { recursive: true });
      await rm(stamp, { force: true });
      const fresh = await mkdtemp(join(LAB_TOOLS, "new-"));
      try {
        await part.build(fresh);
        for (const file of part.files) await moveFile(join(fresh, file), join(LAB_TOOLS, file));
        await writeFile(join(fresh, "stamp"), part.source);
        await rename(join(fresh, "stamp"), stamp);
      } finally {
        await rm(fresh, { recursive: true, force: true });
      }
    },
  };
}

/** What the tests need too is installed by their script. */
export function toolPart(name: "envoy" | "helm", source: string): Part {
  return {
    name,
    source,
    isThere: async () => toolPath(name) !== undefined,
    async install() {
      // CI=true: without it there is no lab, so a missing one is a failure.
      await runCommand(process.execPath, [join(PROJECT, "scripts/tools/install.mjs"), name], { env: { CI: "true" } });
    },
  };
}

async function moveFile(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rename(from, to);
}
