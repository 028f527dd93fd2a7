import type { Labels, NeededHost, ProxyPolicy } from "@fenceline/api";
import { compareText, labelsDiffer, type ObjectChange } from "@fenceline/api/vocabulary";

/** A host that the proxies of some pods need, whatever their workload calls. */
export interface RequiredHost {
  /** In lower case; undefined where it may be in any namespace. */
  readonly namespace: string | undefined;
  readonly host: string;
  /** The objects that need it, for people. Ordered; if there are many, the first few. */
  readonly by: readonly string[];
}

/** What MeshConfig requires. */
export interface MeshNeeds {
  readonly hosts: readonly NeededHost[];
  /** Istio's root namespaces: policies in them are for the pods of every namespace. */
  readonly rootNamespaces: readonly string[];
}

/** Pods whose proxies need a host, or needed it, because of a policy. */
export interface TouchedPods {
  /** Undefined for every namespace. */
  readonly namespace: string | undefined;
  readonly selector: Labels;
}

/** Most reasons that are told for one host. */
const MOST_REASONS = 4;

/**
 * Hosts that proxies need. istiod looks up the cluster of a provider, or of a policy, whatever the
 * Sidecar shows (LookupCluster), and Envoy rejects a listener with a cluster that does not exist. A
 * change costs a look at the policy that changed.
 */
export class ProxyNeeds {
  readonly #byNamespace = new Map<string, Map<string, ProxyPolicy>>();
  #mesh: MeshNeeds = { hosts: [], rootNamespaces: [] };

  constructor(policies: readonly ProxyPolicy[] = []) {
    this.apply(policies.map((after) => ({ before: undefined, after })));
  }

  /** Takes over what MeshConfig requires. */
  configure(mesh: MeshNeeds): void {
    this.#mesh = mesh;
  }

  apply(changes: readonly ObjectChange<ProxyPolicy>[]): void {
    for (const { before, after } of changes) {
      if (before !== undefined) this.#remove(before);
      if (after !== undefined && counts(after)) this.#add(after);
    }
  }

  /**
   * What the proxies of pods with these labels need, ordered. A policy counts if it may be for some
   * of the pods: nothing is known of a label that it selects.
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

  /**
   * EnvoyFilters of others that remove Istio's catch-all virtual host from the proxies of these
   * pods, ordered.
   */
  catchAllRemovedFor(namespace: string, labels: Labels): readonly string[] {
    const found: string[] = [];
    for (const [by, { spec }] of this.#policiesFor(namespace, labels)) if (spec.removesCatchAll === true) found.push(by);
    return found.sort(compareText);
  }

  /** The pods whose needs some changes may affect. */
  touchedBy(changes: readonly ObjectChange<ProxyPolicy>[]): readonly TouchedPods[] {
    const sides = changes.flatMap(({ before, after }) => [before, after]);
    return sides.flatMap((policy) => {
      if (policy === undefined || !counts(policy)) return [];
      const { namespace } = policy.metadata;
      return { namespace: this.#mesh.rootNamespaces.includes(namespace) ? undefined : namespace, selector: policy.spec.selector };
    });
  }

  *#ofPolicies(namespace: string, labels: Labels): Generator<NeededHost> {
    for (const [by, { spec }] of this.#policiesFor(namespace, labels)) for (const reference of spec.references) yield { reference, by };
  }

  *#policiesFor(namespace: string, labels: Labels): Generator<readonly [string, ProxyPolicy]> {
    for (const place of new Set([namespace, ...this.#mesh.rootNamespaces]))
      for (const named of this.#byNamespace.get(place) ?? []) if (!labelsDiffer(named[1].spec.selector, labels)) yield named;
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
/** Most EnvoyFilters name no cluster, and do not change the catch-all. */
function counts({ spec }: ProxyPolicy): boolean {
  return spec.references.length > 0 || spec.removesCatchAll === true;
}

function nameOf({ kind, metadata: { namespace, name } }: ProxyPolicy): string {
  return `${kind} ${namespace}/${name}`;
}

/** MeshConfig and annotations may name the namespace of a host: `<namespace>/<host>`. */
function splitReference(reference: string): Pick<RequiredHost, "namespace" | "host"> {
  const slash = reference.indexOf("/");
  return slash < 0 ? { namespace: undefined, host: reference } : { namespace: reference.slice(0, slash), host: reference.slice(slash + 1) };
}
