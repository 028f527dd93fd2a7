import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileFailureText } from "@fenceline/api/vocabulary";
import type { KubeConfig } from "@kubernetes/client-node";
import { refuseEndless } from "./readable-file.ts";

/**
 * A function that reads the configuration: of the given file, else as kubectl does ($KUBECONFIG,
 * `~/.kube/config`), else the pod's service account.
 *
 * client-node is loaded only here: it costs half a second and 90 MB, which a store in a folder does
 * not need.
 */
export async function kubeConfigLoader(file?: string): Promise<() => KubeConfig> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  return () => {
    const config = new KubeConfig();
    try {
      for (const path of file === undefined ? defaultFiles() : [file]) refuseEndless(path);
      if (file === undefined) config.loadFromDefault();
      else config.loadFromFile(file);
    } catch (cause) {
      const path = file ?? (cause as NodeJS.ErrnoException | undefined)?.path;
      const what = path === undefined ? "the kubeconfig" : `the kubeconfig '${path}'`;
      throw new Error(`cannot read ${what}: ${fileFailureText(cause, process.getuid?.())}`, { cause });
    }
    if (file === undefined && config.getCurrentCluster()?.server === NOTHING_FOUND)
      throw new Error(
        "no cluster is configured: no $KUBECONFIG, no ~/.kube/config, no service account of a pod; name a file with --kubeconfig",
      );
    if (config.getCurrentCluster() === null)
      throw new Error("the kubeconfig names no current cluster: set one with kubectl config use-context");
    return config;
  };
}

/**
 * Client-node's default server when it has found no configuration. Nothing listens there, and it
 * refuses plain HTTP anyway.
 */
const NOTHING_FOUND = "http://localhost:8080";

/** The files that client-node reads by default, in kubectl's order. */
function defaultFiles(): readonly string[] {
  const { KUBECONFIG = "", HOME = "" } = process.env;
  if (KUBECONFIG !== "") return KUBECONFIG.split(delimiter).filter((path) => path !== "");
  const usual = join(HOME, ".kube", "config");
  return HOME !== "" && existsSync(usual) ? [usual] : [];
}
