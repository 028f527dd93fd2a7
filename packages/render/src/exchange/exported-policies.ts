import { compareText, type FenceKey, formatFenceKey, type Labels, type Service } from "@fenceline/api";
import type { ServiceLookup } from "@fenceline/registry";
import type { ExportComment, Exported } from "./exported.ts";

/** One workload, and what it calls. */
export interface Caller {
  readonly fence: FenceKey;
  /** Hosts that it calls, or declares to call. */
  readonly hosts: readonly string[];
  /** Name of its service account; undefined where it is not known. */
  readonly serviceAccount?: string | undefined;
}

/** Pods of one namespace that a Service selects, with their callers. */
interface Callee {
  readonly namespace: string;
  readonly selector: Labels;
  readonly services: Set<string>;
  readonly callers: Set<Caller>;
}

/** Settings of {@link exportedPolicies}. */
export interface PolicyOptions {
  /** Trust domain of the mesh. */
  readonly trustDomain: string;
  /** Only policies of this namespace. Default: all. */
  readonly namespace?: string | undefined;
}

/**
 * Who calls whom, from the callee's side: an AuthorizationPolicy for each workload that is called
 * through a Service, which allows its callers, by namespace and name.
 *
 * A source is the caller's service account. Where that is not known it is the caller's namespace,
 * which allows more, and a comment says so. Services with one selector are one workload. A host
 * that is no Service with a selector has no workload for which a policy could be.
 *
 * All callers are looked at before the first policy. It yields undefined after each of them, so
 * that other tasks get their turn.
 */
export function* exportedPolicies(
  callers: Iterable<Caller>,
  registry: ServiceLookup,
  { trustDomain, namespace }: PolicyOptions,
): Generator<Exported | undefined> {
  const callees = new Callees();
  for (const caller of callers) {
    for (const host of caller.hosts) {
      const service = host.includes("*") ? undefined : registry.resolveHost(host, caller.fence.namespace);
      if (service !== undefined) callees.of(service)?.callers.add(caller);
    }
    yield undefined;
  }
  for (const callee of callees.inOrder())
    if (namespace === undefined || callee.namespace === namespace) yield policyOf(callee, trustDomain);
}

/** Workloads by the Services that select them. */
class Callees {
  readonly #bySelector = new Map<string, Callee>();
  readonly #byService = new Map<Service, Callee | undefined>();

  /** Undefined for a Service that selects nothing. */
  of(service: Service): Callee | undefined {
    if (!this.#byService.has(service)) this.#byService.set(service, this.#selectedBy(service));
    return this.#byService.get(service);
  }

  inOrder(): readonly Callee[] {
    return [...this.#bySelector.values()]
      .map((callee) => ({ callee, name: formatFenceKey({ namespace: callee.namespace, name: nameOf(callee) }) }))
      .sort((a, b) => compareText(a.name, b.name))
      .map(({ callee }) => callee);
  }

  #selectedBy({ metadata: { namespace, name }, spec }: Service): Callee | undefined {
    const labels = Object.entries(spec.selector ?? {}).sort(([a], [b]) => compareText(a, b));
    if (labels.length === 0) return undefined;
    const id = JSON.stringify([namespace, labels]);
    const callee = this.#bySelector.get(id) ?? { namespace, selector: Object.fromEntries(labels), services: new Set(), callers: new Set() };
    this.#bySelector.set(id, callee);
    callee.services.add(name);
    return callee;
  }
}

function nameOf({ services }: Callee): string {
  const [first = ""] = [...services].sort();
  return `${first}-callers`;
}

function policyOf(callee: Callee, trustDomain: string): Exported {
  const { namespace, selector, callers } = callee;
  const [principals, namespaces] = [new Map<string, string[]>(), new Map<string, string[]>()];
  const named = [...callers].map((caller) => ({ ...caller, name: formatFenceKey(caller.fence) }));
  for (const { name, fence, serviceAccount } of named.sort((a, b) => compareText(a.name, b.name))) {
    const isKnown = serviceAccount !== undefined;
    const source = isKnown ? `${trustDomain}/ns/${fence.namespace}/sa/${serviceAccount}` : fence.namespace;
    const sources = isKnown ? principals : namespaces;
    const names = sources.get(source);
    if (names === undefined) sources.set(source, [name]);
    else names.push(name);
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
  return {
    object: {
      apiVersion: "security.istio.io/v1beta1",
      kind: "AuthorizationPolicy",
      metadata: { name: nameOf(callee), namespace },
      spec: { selector: { matchLabels: selector }, action: "ALLOW", rules: [{ from }] },
    },
    comments,
  };
}
