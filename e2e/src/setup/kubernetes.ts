import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FencelineError } from "@fenceline/api";
import { buildFlags, downloadModule, runGo } from "./go.ts";
import { builtPart, type Part } from "./part.ts";

const MODULE = "k8s.io/kubernetes";
const PROGRAMS = ["kube-apiserver", "kube-controller-manager", "kubectl"];

/**
 * The programs of a Kubernetes release.
 *
 * `go install` refuses its module, because the go.mod replaces the staging modules (`k8s.io/api`
 * and its like) by folders. So they are built from a small module of our own that replaces each by
 * its published version: v1.37.2 of Kubernetes is v0.37.2 of every staging module.
 *
 * @param version for example `v1.37.2`
 */
export function kubernetes(version: string): Part {
  return builtPart({
    name: "kubernetes",
    source: `Go ${MODULE}@${version}`,
    files: PROGRAMS.map((program) => `bin/${program}`),
    async build(folder) {
      const source = join(folder, "source");
      await mkdir(source, { recursive: true });
      const { GoMod } = await downloadModule(`${MODULE}@${version}`);
      await writeFile(join(source, "go.mod"), goMod(version, await readFile(GoMod, "utf8")));
      await writeFile(join(source, "programs.go"), programsFile());
      await runGo(["mod", "tidy"], {}, source);
      const packages = PROGRAMS.map((program) => `${MODULE}/cmd/${program}`);
      await runGo(["install", ...buildFlags(versionStamps(version)), ...packages], { GOBIN: join(folder, "bin") }, source);
    },
  });
}

function goMod(version: string, original: string): string {
  const staged = [...original.matchAll(/^\s*(k8s\.io\/[\w.-]+) => \.\/staging\//gm)].map(([, module]) => module);
  const [, go] = /^go (\S+)$/m.exec(original) ?? [];
  if (staged.length === 0 || go === undefined) {
    throw new FencelineError("LAB_KUBERNETES_LAYOUT", { message: `the go.mod of ${MODULE}@${version} is not laid out as expected` });
  }
  const stagingVersion = version.replace(/^v1\./, "v0.");
  const replaces = staged.map((module) => `\t${module} => ${module} ${stagingVersion}`);
  return `module lab.invalid/kubernetes\n\ngo ${go}\n\nrequire ${MODULE} ${version}\n\nreplace (\n${replaces.join("\n")}\n)\n`;
}

/**
 * Imports of the programs keep them in the module graph; the build tag keeps this file out of every
 * build.
 */
function programsFile(): string {
  return `//go:build programs\n\npackage programs\n\nimport (\n${PROGRAMS.map((program) => `\t_ "${MODULE}/cmd/${program}"`).join("\n")}\n)\n`;
}

/**
 * The release's own build stamps its version in; without it the server says `v0.0.0-master`, which
 * Helm charts refuse.
 */
function versionStamps(version: string): readonly string[] {
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
  const stamps = { gitVersion: version, gitMajor: major, gitMinor: minor };
  return Object.entries(stamps).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
}
