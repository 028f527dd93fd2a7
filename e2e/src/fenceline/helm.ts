import { join } from "node:path";
import { FencelineError } from "@fenceline/api";
import { toolPath } from "../../../scripts/tools/tools.mjs";
import { PROJECT } from "../places.ts";
import { runCommand } from "../setup/command.ts";

/** The project's chart. */
export const CHART: string = join(PROJECT, "charts", "fenceline");

/** Runs the project's Helm against a cluster. Returns what it printed. */
export function helm(kubeconfig: string, ...args: readonly string[]): Promise<string> {
  const binary = toolPath("helm");
  if (binary === undefined) throw new FencelineError("LAB_NOT_SET_UP", { message: "there is no Helm", hint: "npm run e2e:setup" });
  // It has its own folders, so that the user's Helm settings have no effect.
  const folder = join(PROJECT, ".tools", "lab", "helm-home");
  const env = { HELM_CACHE_HOME: folder, HELM_CONFIG_HOME: folder, HELM_DATA_HOME: folder };
  return runCommand(binary, [...args, `--kubeconfig=${kubeconfig}`], { env });
}
