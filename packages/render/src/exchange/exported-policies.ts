import { compareText, type FenceKey, formatFenceKey, type Labels, type Service } from "@fenceline/api";
import type { ServiceLookup } from "@fenceline/registry";
import type { ExportComment, Exported } from "./exported.ts";

/** One workload, and what it calls. */
export interface Caller {
  readonly fence: FenceKey;
  /** Hosts that it calls, or declares to call. */
  readonly hosts: readonly string[];
  /** Name of its service account; undefined where nobody told it. */
  readonly serviceAccount?: string | undefined;
}

/** Pods of one namespace that a Service selects, with those who call them. */
interface Callee {
  readonly namespace: string;
  readonly selector: Labels;
  readonly services: Set<string>;
  readonly callers: Map<string, Caller>;
}

/**
 * Who calls whom, from the callee's side: for each workload that is called by way of a Service an
 * AuthorizationPolicy that allows its callers, by namespace and name.
 *
 * A source is the caller's service account. Where it is not known it is the caller's namespace,
 * which allows more, and a comment says so. Services with one selector are one workload. A host
 * that is no Service with a selector has no workload that a policy could be for.
 *
 * @param trustDomain of the mesh
 */
export function exportedPolicies(callers: readonly Caller[], registry: ServiceLookup, trustDomain: string): readonly Exported[] {
  const callees = new Map<string, Callee>();
  for (const caller of callers)
    for (const host of caller.hosts) {
      const service = host.includes("*") ? undefined : registry.resolveHost(host, caller.fence.namespace);
      if (service !== undefined) add(callees, service, caller);
    }
  return [...callees.values()]
    .map((callee) => policyOf(callee, trustDomain))
    .sort((a, b) => compareText(formatFenceKey(a.object.metadata), formatFenceKey(b.object.metadata)));
}

function add(callees: Map<string, Callee>, { metadata: { namespace, name }, spec }: Service, caller: Caller): void {
  const labels = Object.entries(spec.selector ?? {}).sort(([a], [b]) => compareText(a, b));
  if (labels.length === 0) return;
  const id = JSON.stringify([namespace, labels]);
  const callee = callees.get(id) ?? { namespace, selector: Object.fromEntries(labels), services: new Set(), callers: new Map() };
  callees.set(id, callee);
  callee.services.add(name);
  callee.callers.set(formatFenceKey(caller.fence), caller);
}

interface PolicyExport extends Exported {
  readonly object: Exported["object"] & { readonly metadata: FenceKey };
}

function policyOf({ namespace, selector, services, callers }: Callee, trustDomain: string): PolicyExport {
  const [principals, namespaces] = [new Map<string, string[]>(), new Map<string, string[]>()];
  for (const [name, { fence, serviceAccount }] of [...callers].sort(([a], [b]) => compareText(a, b))) {
    const isKnown = serviceAccount !== undefined;
    const source = isKnown ? `${trustDomain}/ns/${fence.namespace}/sa/${serviceAccount}` : fence.namespace;
    const sources = isKnown ? principals : namespaces;
    sources.set(source, [...(sources.get(source) ?? []), name]);
  }
  const parts = [
    ["principals", principals, ""],
    ["namespaces", namespaces, ": its service account is not known"],
  ] as const;
  const given = parts.filter(([, sources]) => sources.size > 0);
  const comments = given.flatMap(([field, sources, why], at) =>
    [...sources.keys()].sort().map((source, index): ExportComment => {
      return { path: ["spec", "rules", 0, "from", at, "source", field, index], text: `${sources.get(source)?.join(", ")}${why}` };
    }),
  );
  const from = given.map(([field, sources]) => ({ source: { [field]: [...sources.keys()].sort() } }));
  const [first = ""] = [...services].sort();
  return {
    object: {
      apiVersion: "security.istio.io/v1beta1",
      kind: "AuthorizationPolicy",
      metadata: { name: `${first}-callers`, namespace },
      spec: { selector: { matchLabels: selector }, action: "ALLOW", rules: [{ from }] },
    },
    comments,
  };
}
