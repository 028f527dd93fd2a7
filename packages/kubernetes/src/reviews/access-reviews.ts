import type { KubernetesApi } from "../client/kubernetes-api.ts";
import { RememberedReviews, type ReviewLimits } from "./remembered-reviews.ts";
import type { ReviewedUser } from "./token-reviews.ts";

/** Settings of an {@link AccessReviews}. */
export interface AccessReviewsOptions extends Partial<ReviewLimits> {
  readonly api: KubernetesApi;
}

/** What somebody wants to do, in the terms of Kubernetes' RBAC. */
export interface ResourceAttributes {
  readonly verb: string;
  readonly group: string;
  /** Plural. */
  readonly resource: string;
  /** Default: all namespaces. */
  readonly namespace?: string | undefined;
  /** Default: any object. */
  readonly name?: string | undefined;
}

const ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
/**
 * How long an answer is cached, in milliseconds. A right outlives its RoleBinding by this time.
 * Kubernetes' own delegated authorization caches both for 10 s; somebody who was just given a right
 * should not wait that long.
 */
const BELIEVED = { yesFor: 10_000, noFor: 5_000 };
/** Longest wait for an answer, in milliseconds. */
const ANSWER_TIMEOUT = 3_000;

/**
 * Asks the API server what users may do, whatever authorizers it has, and caches its answers for a
 * short time.
 *
 * @see
 * https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/subject-access-review-v1/
 */
export class AccessReviews {
  readonly #api: KubernetesApi;
  readonly #reviews: RememberedReviews<true>;

  constructor(options: AccessReviewsOptions) {
    this.#api = options.api;
    this.#reviews = new RememberedReviews({ ...BELIEVED, ...options });
  }

  /**
   * Whether a user may do this.
   *
   * @throws {ApiError} when the API server does not answer, or does not let us ask
   * @throws {FencelineError} `REVIEWS_LIMITED`, `REVIEWS_BUSY`
   */
  async may(user: ReviewedUser, attributes: ResourceAttributes): Promise<boolean> {
    const { username, uid, groups, extra } = user;
    const { verb, group, resource, namespace = "", name = "" } = attributes;
    const spec = { user: username, uid, groups, extra, resourceAttributes: { verb, group, resource, namespace, name } };
    return (await this.#reviews.answer(JSON.stringify(spec), username, () => this.#review(spec))) === true;
  }

  async #review(spec: object): Promise<true | undefined> {
    const body = { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec };
    const answer = await this.#api.json({ method: "POST", path: ACCESS_REVIEWS, body, signal: AbortSignal.timeout(ANSWER_TIMEOUT) });
    const { status } = (answer ?? {}) as { status?: { allowed?: unknown; denied?: unknown } };
    return status?.allowed === true && status.denied !== true ? true : undefined;
  }
}
