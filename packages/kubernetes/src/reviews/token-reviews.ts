import type { KubernetesApi } from "../client/kubernetes-api.ts";
import { RememberedReviews, type ReviewLimits } from "./remembered-reviews.ts";

/** Settings of a {@link TokenReviews}. */
export interface TokenReviewsOptions extends Partial<ReviewLimits> {
  readonly api: KubernetesApi;
  /**
   * The audience that tokens must have. A token for any other audience, the API server included, is
   * refused.
   */
  readonly audience: string;
}

/** A user as the API server knows it. */
export interface ReviewedUser {
  readonly username: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

const TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews";
/**
 * How long an answer is cached, in milliseconds. For this time a revoked token, or one whose pod is
 * gone, can open new calls. Open calls are checked again by their servers (`reviewAgain` of
 * packages/wire). A refused token may be good a moment later: replicas of the API server learn of
 * keys and pods at different times.
 */
const BELIEVED = { yesFor: 60_000, noFor: 5_000 };
/**
 * Longest wait for an answer, in milliseconds. It is shorter than the time for which a reporter
 * keeps what it has sent on a new stream.
 */
const ANSWER_TIMEOUT = 3_000;
/** Service-account tokens have one to two kilobytes. */
const LONGEST_TOKEN = 8_192;
/**
 * A JSON Web Signature in its compact form (RFC 7515 §7.1). Anything else is refused without a
 * review.
 */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * Asks the API server whose tokens these are, and caches its answers for a short time, by the
 * tokens' hashes.
 *
 * @see
 * https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/
 */
export class TokenReviews {
  readonly #options: TokenReviewsOptions;
  readonly #reviews: RememberedReviews<ReviewedUser>;

  constructor(options: TokenReviewsOptions) {
    this.#options = options;
    this.#reviews = new RememberedReviews({ ...BELIEVED, ...options });
  }

  /**
   * The name of the user that a token authenticates for the audience, for example
   * `system:serviceaccount:fenceline:global-sidecar`; undefined when it is not valid. Throws as
   * {@link authenticate} does.
   */
  async userOf(token: string, from?: string): Promise<string | undefined> {
    return (await this.authenticate(token, from))?.username;
  }

  /**
   * The user that a token authenticates for the audience; undefined when it is not valid.
   *
   * @param from where the token came from: the limits of noes and of reviews under way apply to it
   * @throws {ApiError} when the API server does not answer, or we may not ask. What was accepted a
   * short time ago still counts then
   * @throws {FencelineError} `REVIEWS_LIMITED`, `REVIEWS_BUSY`
   */
  async authenticate(token: string, from?: string): Promise<ReviewedUser | undefined> {
    if (token.length > LONGEST_TOKEN || !TOKEN.test(token)) return undefined;
    return this.#reviews.answer(token, from, () => this.#review(token));
  }

  async #review(token: string): Promise<ReviewedUser | undefined> {
    const { api, audience } = this.#options;
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token, audiences: [audience] } };
    return userIn(await api.json({ method: "POST", path: TOKEN_REVIEWS, body, signal: AbortSignal.timeout(ANSWER_TIMEOUT) }), audience);
  }
}

/**
 * An authenticator without support for audiences gives none: then it is unknown for whom the token
 * was made.
 */
function userIn(answer: unknown, audience: string): ReviewedUser | undefined {
  const { status } = (answer ?? {}) as { status?: { authenticated?: unknown; audiences?: unknown; user?: Partial<ReviewedUser> } };
  const { authenticated, audiences, user } = status ?? {};
  const isForUs = authenticated === true && Array.isArray(audiences) && audiences.includes(audience);
  if (!isForUs || typeof user?.username !== "string" || user.username === "") return undefined;
  const { username, uid, groups, extra } = user;
  return { username, ...(uid !== undefined && { uid }), ...(groups !== undefined && { groups }), ...(extra !== undefined && { extra }) };
}
