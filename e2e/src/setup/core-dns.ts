import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildFlags, runGo } from "./go.ts";
import { builtPart, type Part } from "./part.ts";

const MODULE = "github.com/coredns/coredns";
/** In the order in which a query passes them, as CoreDNS's own plugin.cfg has it. */
const PLUGINS = ["bind", "ready", "errors", "kubernetes"];

/**
 * CoreDNS with the plugins that a cluster's DNS needs, as its documents tell how to build it with
 * plugins of one's choice. The whole one holds the client libraries of every cloud and takes
 * several times as long to build.
 *
 * @param version for example `v1.15.0`
 */
export function coreDns(version: string): Part {
  return builtPart({
    name: "coredns",
    source: `Go ${MODULE}@${version} (${PLUGINS.join(", ")})`,
    files: ["bin/coredns"],
    async build(folder) {
      const source = join(folder, "source");
      await mkdir(source);
      await writeFile(join(source, "go.mod"), `module lab.invalid/coredns\n\ngo 1.25.0\n\nrequire ${MODULE} ${version}\n`);
      await writeFile(join(source, "main.go"), mainFile());
      // -mod=mod: the requirements of the requirement are written into go.mod as the build meets
      // them.
      await runGo(["build", "-mod=mod", ...buildFlags(), "-o", join(folder, "bin", "coredns"), "."], {}, source);
    },
  });
}

function mainFile(): string {
  return `package main

import (
\t"${MODULE}/core/dnsserver"
\t"${MODULE}/coremain"
${PLUGINS.map((plugin) => `\t_ "${MODULE}/plugin/${plugin}"`).join("\n")}
)

func main() {
\tdnsserver.Directives = []string{${PLUGINS.map((plugin) => `"${plugin}"`).join(", ")}}
\tcoremain.Run()
}
`;
}
