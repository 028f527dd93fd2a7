import { randomUUID } from "node:crypto";

/**
 * Service-account tokens that a fake API server has issued. They look like real ones, but have no
 * content.
 */
export class FakeTokens {
  readonly #issued = new Map<string, { readonly user: string; readonly audience: string }>();

  /** A token as a TokenRequest gives. */
  issue(namespace: string, serviceAccount: string, audience: string): string {
    const token = ["header", randomUUID(), "signature"].map((part) => Buffer.from(part).toString("base64url")).join(".");
    this.#issued.set(token, { user: `system:serviceaccount:${namespace}:${serviceAccount}`, audience });
    return token;
  }

  /** As when a token's pod is deleted, or its time is over. */
  revoke(token: string): void {
    this.#issued.delete(token);
  }

  /** Answers a TokenReview. */
  review({ spec }: { readonly spec: { readonly token: string; readonly audiences: readonly string[] } }): object {
    const known = this.#issued.get(spec.token);
    const isForThem = known !== undefined && spec.audiences.includes(known.audience);
    const status = isForThem
      ? { authenticated: true, audiences: [known.audience], user: { username: known.user } }
      : { authenticated: false, error: "invalid bearer token" };
    return { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", metadata: {}, spec, status };
  }
}
