import type { Labels } from "@fenceline/api";
import { type EgressHost, egressHosts, type FenceInput } from "../fence/egress-hosts.ts";
import type { ExportComment, Exported } from "./exported.ts";
import { type ExportOptions, type LearnedFence, learnedHosts, provenance } from "./exported-fence.ts";

/** The input of an exported Sidecar. */
export interface SidecarInput extends LearnedFence, Pick<FenceInput, "registry" | "meshHosts" | "serviceEntries" | "required" | "now"> {
  readonly fence: FenceInput["fence"];
  /** Labels of the fence's pods. */
  readonly labels: Labels;
  readonly istioNamespace: string;
}

/**
 * What the fence's workload sees, as a Sidecar of Istio that needs no Fenceline. It does not
 * contain the fallback, so a host that was not learned cannot be reached through it.
 */
export function exportedSidecar(input: SidecarInput, options: ExportOptions = {}): Exported {
  const { fence, status, labels, istioNamespace } = input;
  const learned = new Map(learnedHosts(fence.spec, status));
  const booked = [...learned.keys()].map((host) => ({ host, source: "learned" as const }));
  const wholeNamespace = `${istioNamespace}/*`;
  const texts = new Map([[wholeNamespace, "Istio itself"]]);
  for (const host of egressHosts({ ...input, booked }).filter(({ expired }) => !expired)) {
    const domain = learned.get(host.host);
    const text = domain === undefined ? REASONS[host.source] : provenance(domain, options);
    if (!isCovered(host.egress, wholeNamespace)) texts.set(host.egress, text);
    for (const also of host.also ?? []) if (!isCovered(also, wholeNamespace) && !texts.has(also)) texts.set(also, `beside ${host.host}`);
  }
  const hosts = [...texts.keys()].filter((host) => host.endsWith("/*") || !texts.has(`${host.split("/", 1)[0]}/*`)).sort();
  const comments = hosts.map((host, at): ExportComment => ({ path: ["spec", "egress", 0, "hosts", at], text: texts.get(host) ?? "" }));
  return {
    object: {
      apiVersion: "networking.istio.io/v1beta1",
      kind: "Sidecar",
      metadata: { name: fence.metadata.name, namespace: fence.metadata.namespace },
      spec: { workloadSelector: { labels }, egress: [{ hosts }] },
    },
    comments,
  };
}

const REASONS: Readonly<Record<EgressHost["source"], string>> = {
  static: "declared",
  learned: "learned",
  preloaded: "preloaded",
  imported: "imported",
  required: "the proxy itself needs it",
  tcp: "not HTTP, so visible to all",
  mesh: "of a ServiceEntry or a VirtualService, so visible to all",
};

function isCovered(egress: string, wildcard: string): boolean {
  return egress.startsWith(wildcard.slice(0, -1)) && egress !== wildcard;
}
