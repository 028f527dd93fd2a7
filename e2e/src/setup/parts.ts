import { HELM_VERSION } from "../../../scripts/tools/helm.mjs";
import { coreDns } from "./core-dns.ts";
import { debianPackage } from "./debian.ts";
import { envoyPart } from "./envoy.ts";
import { istioPart } from "./istio.ts";
import { kubernetes } from "./kubernetes.ts";
import { type Part, toolPart } from "./part.ts";
import type { Releases } from "./releases.ts";

/** Everything that a lab needs, cheap parts first. */
export function partsOf({ envoy, istio }: Releases): readonly Part[] {
  return [
    debianPackage("iproute2", "ip"),
    debianPackage("iptables", "iptables-restore"),
    debianPackage("util-linux", "setpriv"),
    debianPackage("etcd-server", "etcd"),
    envoyPart(envoy),
    coreDns("v1.15.0"),
    istioPart(istio),
    kubernetes("v1.37.2"),
    toolPart("helm", `Go helm.sh/helm/v4@${HELM_VERSION}`),
  ];
}
