/** The Helm chart, as the tests see it. */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { toolPath } from "../../scripts/tools/tools.mjs";

/** Folder of the chart. */
export const CHART: string = fileURLToPath(new URL("../fenceline", import.meta.url));

/** The Helm binary, or undefined when there is none: tests then say so and are skipped. */
export const HELM: string | undefined = toolPath("helm");

/** The result of one run of Helm. */
export interface HelmRun {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs Helm. It finds no cluster and no settings of the user: tests must not depend on either. */
export function helm(...args: readonly string[]): HelmRun {
  const env = { PATH: process.env.PATH, HOME: "/nonexistent", KUBECONFIG: "/nonexistent", HELM_NO_PLUGINS: "1" };
  const { status, stdout, stderr } = spawnSync(HELM ?? "helm", args, { encoding: "utf8", env, timeout: 60_000 });
  return { code: status ?? 1, output: stdout, errors: stderr };
}

/** The chart rendered as `helm install fenceline --namespace fenceline` would, as text. */
export function renderChart(...flags: readonly string[]): HelmRun {
  return helm("template", "fenceline", CHART, "--namespace", "fenceline", ...flags);
}

/** Values of the golden tests, each with its rendered output beside it. */
export function goldenCases(): { readonly values: string; readonly golden: string }[] {
  const folder = join(CHART, "testdata");
  return globSync("*.values.yaml", { cwd: folder })
    .sort()
    .map((name) => ({ values: join(folder, name), golden: join(folder, name.replace(".values.yaml", ".golden.yaml")) }));
}
