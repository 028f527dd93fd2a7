import type { AuthorizationPolicy, Labels, Service } from "@fenceline/api";
import { DEFAULT_TRUST_DOMAIN, hasLabels, labelsDiffer, type ObjectChange } from "@fenceline/api/vocabulary";
import {
  anyOf,
  atMostMaybe,
  type Comparing,
  type Match,
  namesCaller,
  namespacesNamed,
  type PolicyCaller,
  ruleMatch,
} from "./source-match.ts";

/** Pods that are called. */
export interface PolicyCallee {
  readonly namespace: string;
  /** Labels that each of them has, since a Service selects by them. They may have more. */
  readonly labels: Labels;
}

/**
 * What policies say of calls between two workloads.
 *
 * - `certainly_denied`: every call is refused
 * - `named`: a policy allows calls, by the name of the caller, its service account or namespace
 * - `perhaps`: anything else, such as that there is no policy
 */
export type CallVerdict = "certainly_denied" | "named" | "perhaps";

/** What is known of the mesh beside the policies. */
export interface PolicyMesh {
  /** Istio's root namespaces: policies in them are for the pods of every namespace. */
  readonly rootNamespaces: readonly string[];
  readonly trustDomains: readonly string[];
}

/**
 * Most policies of one namespace that count. Where there are more, which nobody needs, none of them
 * counts: each new host asks, and anybody may make thousands.
 */
const MOST_POLICIES = 200;
/** Most Services of one namespace that {@link CallPolicies.namedFor} returns for a caller. */
const MOST_NAMED = 50;
/** Most Services of one namespace that are checked for one caller. */
const MOST_LOOKED_AT = 1_000;

/** A policy that is for the called pods, or may be. */
interface PolicyForPods {
  readonly policy: AuthorizationPolicy;
  readonly isFor: Match;
}

interface Kept {
  readonly policy: AuthorizationPolicy;
  /** Whether it came, or changed, after the first policies. */
  readonly isNew: boolean;
}

/**
 * Who may call whom, by Istio's AuthorizationPolicies at sidecars. A call that matches a DENY is
 * refused. If there is an ALLOW for the pods, a call that matches none is refused too. A change
 * costs a look at the policy that changed.
 */
export class CallPolicies {
  readonly #byNamespace = new Map<string, Map<string, Kept>>();
  /** Policies by the namespaces whose callers they name. */
  readonly #naming = new Map<string, Set<Kept>>();
  #mesh: PolicyMesh = { rootNamespaces: [], trustDomains: [DEFAULT_TRUST_DOMAIN] };

  constructor(policies: readonly AuthorizationPolicy[] = []) {
    for (const policy of policies) this.#add({ policy, isNew: false });
  }

  /** Takes over what is known of the mesh. */
  configure(mesh: PolicyMesh): void {
    this.#mesh = mesh;
  }

  apply(changes: readonly ObjectChange<AuthorizationPolicy>[]): void {
    for (const { before, after } of changes) {
      if (before !== undefined) this.#remove(before);
      if (after !== undefined) this.#add({ policy: after, isNew: true });
    }
  }

  /** Where it is not known which pods are called, or who calls, the answer holds for any. */
  mayCall(caller: PolicyCaller, callee: PolicyCallee): CallVerdict {
    return this.about(callee)?.(caller) ?? "perhaps";
  }

  /** The verdict for each caller of some pods; undefined where no policy is for them. */
  about(callee: PolicyCallee): ((caller: PolicyCaller) => CallVerdict) | undefined {
    if (this.#isCrowded(callee.namespace)) return undefined;
    const policies = [...this.#policiesFor(callee)]
      .map((policy) => ({ policy, isFor: this.#isFor(policy, callee) }))
      .filter(({ isFor }) => isFor !== "no");
    return policies.length === 0 ? undefined : (caller) => this.#verdict(policies, caller);
  }

  #verdict(policies: readonly PolicyForPods[], caller: PolicyCaller): CallVerdict {
    let [isClosed, isNamed] = [false, false];
    let allowed: Match = "no";
    for (const { policy, isFor } of policies) {
      const match = anyOf(policy.spec.rules.map((rule) => ruleMatch(rule, this.#comparing(policy, caller))));
      if (policy.spec.action === "DENY") {
        if (isFor === "yes" && match === "yes") return "certainly_denied";
        continue;
      }
      isClosed ||= isFor === "yes";
      allowed = anyOf([allowed, match]);
      isNamed ||= isFor === "yes" && this.#names(policy, caller);
    }
    if (isClosed && allowed === "no") return "certainly_denied";
    return isNamed ? "named" : "perhaps";
  }

  /**
   * Services whose policies name a caller and let it call. Anybody may name anybody, so there are
   * at most {@link MOST_NAMED} of one namespace.
   *
   * @param servicesIn Services of a namespace
   * @param onlyNew whether only policies count that came or changed after the first ones
   */
  namedFor(caller: PolicyCaller, servicesIn: (namespace: string) => readonly Service[], onlyNew = false): readonly Service[] {
    const kept = [...(this.#naming.get(caller.namespace) ?? [])].filter(({ isNew }) => isNew || !onlyNew);
    const byNamespace = Map.groupBy(kept, ({ policy }) => policy.metadata.namespace);
    return [...byNamespace].flatMap(([namespace, each]) => {
      const isCrowded = this.#isCrowded(namespace);
      const policies = each.flatMap(({ policy }) => (!isCrowded && this.#names(policy, caller) ? policy : []));
      return policies.length > 0 ? this.#namedIn(servicesIn(namespace), policies, caller) : [];
    });
  }

  #namedIn(services: readonly Service[], policies: readonly AuthorizationPolicy[], caller: PolicyCaller): readonly Service[] {
    const found: Service[] = [];
    for (const service of services.slice(0, MOST_LOOKED_AT)) {
      const { metadata, spec } = service;
      const labels = spec.selector ?? {};
      if (Object.keys(labels).length === 0 || !policies.some((policy) => hasLabels(labels, policy.spec.selector))) continue;
      if (this.mayCall(caller, { namespace: metadata.namespace, labels }) !== "named") continue;
      found.push(service);
      if (found.length === MOST_NAMED) break;
    }
    return found;
  }

  /** Namespaces whose callers the policies of a namespace name. */
  namespacesNamedIn(namespace: string): ReadonlySet<string> {
    const policies = [...(this.#byNamespace.get(namespace)?.values() ?? [])];
    return new Set(policies.flatMap(({ policy }) => namedBy(policy)));
  }

  #isCrowded(namespace: string): boolean {
    return !this.#mesh.rootNamespaces.includes(namespace) && (this.#byNamespace.get(namespace)?.size ?? 0) > MOST_POLICIES;
  }

  *#policiesFor({ namespace }: PolicyCallee): Generator<AuthorizationPolicy> {
    for (const place of new Set([namespace, ...this.#mesh.rootNamespaces]))
      for (const { policy } of this.#byNamespace.get(place)?.values() ?? []) yield policy;
  }

  /** If there are several root namespaces, the pods' control plane decides which one counts. */
  #isFor({ metadata, spec: { selector, isOfRevision } }: AuthorizationPolicy, { namespace, labels }: PolicyCallee): Match {
    if (labelsDiffer(selector, labels)) return "no";
    const isOfOneRoot = metadata.namespace !== namespace && this.#mesh.rootNamespaces.length > 1;
    const match = hasLabels(labels, selector) ? "yes" : "maybe";
    return isOfRevision || isOfOneRoot ? atMostMaybe(match) : match;
  }

  /** A policy of a root namespace is for the whole mesh, so it names nobody for a single callee. */
  #names(policy: AuthorizationPolicy, caller: PolicyCaller): boolean {
    const { action, rules } = policy.spec;
    if (action !== "ALLOW" || this.#mesh.rootNamespaces.includes(policy.metadata.namespace)) return false;
    const comparing = this.#comparing(policy, caller);
    return rules.some(({ sources }) => sources.some((source) => namesCaller(source, comparing)));
  }

  #comparing({ metadata: { namespace } }: AuthorizationPolicy, caller: PolicyCaller): Comparing {
    return { caller, namespace, trustDomains: this.#mesh.trustDomains };
  }

  #add(kept: Kept): void {
    const { metadata, spec } = kept.policy;
    if (spec.action === "NONE") return;
    const policies = this.#byNamespace.get(metadata.namespace) ?? new Map<string, Kept>();
    this.#byNamespace.set(metadata.namespace, policies.set(metadata.name, kept));
    for (const namespace of namedBy(kept.policy)) {
      const naming = this.#naming.get(namespace) ?? new Set();
      this.#naming.set(namespace, naming.add(kept));
    }
  }

  #remove({ metadata: { namespace, name } }: AuthorizationPolicy): void {
    const policies = this.#byNamespace.get(namespace);
    const kept = policies?.get(name);
    if (policies === undefined || kept === undefined) return;
    policies.delete(name);
    if (policies.size === 0) this.#byNamespace.delete(namespace);
    for (const each of namedBy(kept.policy)) {
      const naming = this.#naming.get(each);
      naming?.delete(kept);
      if (naming?.size === 0) this.#naming.delete(each);
    }
  }
}

/** Namespaces whose callers a policy allows by name. */
function namedBy({ metadata, spec: { action, rules } }: AuthorizationPolicy): readonly string[] {
  if (action !== "ALLOW") return [];
  return [...new Set(rules.flatMap(({ sources }) => sources.flatMap((source) => namespacesNamed(source, metadata.namespace))))];
}
