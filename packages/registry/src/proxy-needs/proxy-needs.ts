import type { Labels, NeededHost, ProxyPolicy } from "@fenceline/api";
import { compareText, labelsDiffer, type ObjectChange } from "@fenceline/api/vocabulary";

/** A host that the proxies of some pods need, whatever their workload calls. */
export interface RequiredHost {
  /** In lower case; undefined where any namespace may have it. */
  readonly namespace: string | undefined;
  readonly host: string;
  /** What needs it, for people. Ordered; of many the first few. */
  readonly by: readonly string[];
}

/** What MeshConfig says. */
export interface MeshNeeds {
  readonly hosts: readonly NeededHost[];
  /** Istio's root namespaces: policies there are for the pods of every namespace. */
  readonly rootNamespaces: readonly string[];
}

/** Pods for which a policy says, or said, that their proxies need a host. */
export interface TouchedPods {
  /** Undefined for those of every namespace. */
  readonly namespace: string | undefined;
  readonly selector: Labels;
}

/** Most reasons that are told for one host. */
const MOST_REASONS = 4;

/**
 * Hosts that proxies need. istiod looks up the cluster of a provider, or of a policy, without a
 * look at the Sidecar (LookupCluster), and Envoy refuses a listener that names a cluster which is
 * not there. A change costs a look at the policy that changed.
 */
export class ProxyNeeds {
  readonly #byNamespace = new Map<string, Map<string, ProxyPolicy>>();
  #mesh: MeshNeeds = { hosts: [], rootNamespaces: [] };

  constructor(policies: readonly ProxyPolicy[] = []) {
    this.apply(policies.map((after) => ({ before: undefined, after })));
  }

  /** Takes over what MeshConfig says. */
  configure(mesh: MeshNeeds): void {
    this.#mesh = mesh;
  }

  apply(changes: readonly ObjectChange<ProxyPolicy>[]): void {
    for (const { before, after } of changes) {
      if (before !== undefined) this.#remove(before);
      // Most EnvoyFilters name no cluster.
      if (after !== undefined && after.spec.references.length > 0) this.#add(after);
    }
  }

  /**
   * What the proxies of pods with these labels need, ordered. A policy that asks for a label of
   * which nothing is known may be for some of the pods, so it counts.
   */
  requiredFor(namespace: string, labels: Labels): readonly RequiredHost[] {
    const needed = [...this.#mesh.hosts, ...this.#ofPolicies(namespace, labels)];
    const byReference = Map.groupBy(needed, ({ reference }) => reference);
    const references = [...byReference.keys()].sort(compareText);
    return references.map((reference) => {
      const by = [...new Set(byReference.get(reference)?.map((each) => each.by))].sort(compareText);
      return { ...splitReference(reference), by: by.slice(0, MOST_REASONS) };
    });
  }

  /** Whose needs are others by some changes. */
  touchedBy(changes: readonly ObjectChange<ProxyPolicy>[]): readonly TouchedPods[] {
    const sides = changes.flatMap(({ before, after }) => [before, after]);
    return sides.flatMap((policy) => {
      if (policy === undefined || policy.spec.references.length === 0) return [];
      const { namespace } = policy.metadata;
      return { namespace: this.#mesh.rootNamespaces.includes(namespace) ? undefined : namespace, selector: policy.spec.selector };
    });
  }

  *#ofPolicies(namespace: string, labels: Labels): Generator<NeededHost> {
    for (const place of new Set([namespace, ...this.#mesh.rootNamespaces]))
      for (const [by, { spec }] of this.#byNamespace.get(place) ?? [])
        if (!labelsDiffer(spec.selector, labels)) for (const reference of spec.references) yield { reference, by };
  }

  #add(policy: ProxyPolicy): void {
    const { namespace } = policy.metadata;
    const policies = this.#byNamespace.get(namespace) ?? new Map<string, ProxyPolicy>();
    this.#byNamespace.set(namespace, policies.set(nameOf(policy), policy));
  }

  #remove(policy: ProxyPolicy): void {
    const { namespace } = policy.metadata;
    const policies = this.#byNamespace.get(namespace);
    policies?.delete(nameOf(policy));
    if (policies?.size === 0) this.#byNamespace.delete(namespace);
  }
}

/** `EnvoyFilter test1/lua`. */
function nameOf({ kind, metadata: { namespace, name } }: ProxyPolicy): string {
  return `${kind} ${namespace}/${name}`;
}

/** MeshConfig and annotations may say whose host is meant: `<namespace>/<host>`. */
function splitReference(reference: string): Pick<RequiredHost, "namespace" | "host"> {
  const slash = reference.indexOf("/");
  return slash < 0 ? { namespace: undefined, host: reference } : { namespace: reference.slice(0, slash), host: reference.slice(slash + 1) };
}
