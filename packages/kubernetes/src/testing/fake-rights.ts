/** A rule of RBAC, as the fake API server knows it. */
export interface FakeRule {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  /** Default: all namespaces. */
  readonly namespace?: string;
}

interface Spec {
  readonly user?: string;
  readonly resourceAttributes: Readonly<Record<"verb" | "group" | "resource" | "namespace" | "name", string>>;
}

/** What users may do at a fake API server. Everything else is forbidden. */
export class FakeRights {
  readonly #rules: (FakeRule & { readonly user: string })[] = [];

  grant(user: string, rule: FakeRule): void {
    this.#rules.push({ user, ...rule });
  }

  revoke(user: string): void {
    this.#rules.splice(0, this.#rules.length, ...this.#rules.filter((rule) => rule.user !== user));
  }

  /** Answers a SubjectAccessReview. */
  review({ spec }: { readonly spec: Spec }): object {
    const { verb, group, resource, namespace } = spec.resourceAttributes;
    const allowed = this.#rules.some(
      (rule) =>
        rule.user === spec.user &&
        rule.verb === verb &&
        rule.group === group &&
        rule.resource === resource &&
        (rule.namespace === undefined || rule.namespace === namespace),
    );
    return { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", metadata: {}, spec, status: { allowed } };
  }
}
