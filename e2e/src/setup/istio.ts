import { join } from "node:path";
import { LAB_TOOLS } from "../places.ts";
import { goModule } from "./go.ts";
import type { Part } from "./part.ts";
import { DEFAULT_RELEASES, type IstioRelease } from "./releases.ts";

/** Programs of Istio, and files of its source, by where they are among its files. */
const PLACES = {
  istiod: "bin/pilot-discovery",
  agent: "bin/pilot-agent",
  definitions: "istio/crd-all.gen.yaml",
  bootstrapTemplate: "istio/envoy_bootstrap.json",
} as const;

/** istiod, pilot-agent, and what the lab needs of their source. */
export function istioPart(release: IstioRelease): Part {
  const { name, module, version } = release;
  return goModule({
    name: release === DEFAULT_RELEASES.istio ? "istio" : `istio-${name}`,
    folder: folderOf(release),
    module: `istio.io/istio@${module}`,
    packages: ["pilot/cmd/pilot-discovery", "pilot/cmd/pilot-agent"],
    stamp: { variable: "istio.io/istio/pkg/version.buildVersion", version },
    files: {
      [PLACES.definitions]: "manifests/charts/base/files/crd-all.gen.yaml",
      [PLACES.bootstrapTemplate]: "tools/packaging/common/envoy_bootstrap.json",
    },
  });
}

/** Where the setup put it. */
export function istioFile(release: IstioRelease, file: keyof typeof PLACES): string {
  return join(LAB_TOOLS, folderOf(release), PLACES[file]);
}

/** The default one stands beside the other programs of the lab. */
function folderOf(release: IstioRelease): string {
  return release === DEFAULT_RELEASES.istio ? "" : `istio-${release.name}`;
}
