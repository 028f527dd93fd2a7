import type { KubeConfig } from "@kubernetes/client-node";

/**
 * A function that reads the configuration: of the given file, else as kubectl does ($KUBECONFIG, `~/.kube/config`), else the pod's service account.
 *
 * client-node is loaded here and only here: it costs half a second and 90 MB, which a store in a folder need not pay.
 */
export async function kubeConfigLoader(file?: string): Promise<() => KubeConfig> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  return () => {
    const config = new KubeConfig();
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
    return config;
  };
}
