import { createHash } from "node:crypto";
import type { KubernetesApi } from "./api/kubernetes-api.ts";

/** Settings of a {@link TokenReviews}. */
export interface TokenReviewsOptions {
  readonly api: KubernetesApi;
  /**
   * Who the tokens must be made for. A token for anybody else, the API server included, is refused.
   */
  readonly audience: string;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

const TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews";
/**
 * How long an answer is believed, in milliseconds: so long a token outlives its pod or its service
 * account, and so rarely is the server asked.
 */
const ACCEPTED_FOR = 60_000;
/**
 * A refused token may be good in a moment: replicas of the API server learn of keys and pods at
 * different times.
 */
const REFUSED_FOR = 5_000;
/**
 * Answers remembered, of each kind. There are as many good tokens as pods of the global sidecar;
 * bad ones must not push them out.
 */
const MAX_REMEMBERED = 1_000;
/**
 * Reviews at a time. The API server is not to be asked as often as somebody likes to send nonsense.
 */
const MAX_UNDER_WAY = 8;
/**
 * Longest wait for an answer, in milliseconds. Shorter than a reporter keeps what it has sent on a
 * new stream.
 */
const PATIENCE = 3_000;
/** Service-account tokens have one to two kilobytes. */
const LONGEST_TOKEN = 8_192;
/**
 * A JSON Web Signature in its compact form (RFC 7515 §7.1): anything else need not be asked about.
 */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

interface Remembered {
  readonly user: string | undefined;
  readonly until: number;
}

/**
 * Asks the API server whose tokens these are, and remembers its answers for a short time, by the
 * tokens' hashes.
 *
 * @see
 * https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/
 */
export class TokenReviews {
  readonly #options: TokenReviewsOptions;
  readonly #now: () => number;
  readonly #accepted = new Map<string, Remembered>();
  readonly #refused = new Map<string, Remembered>();
  readonly #underWay = new Map<string, Promise<string | undefined>>();

  constructor(options: TokenReviewsOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /**
   * The user that a token authenticates for the audience, for example
   * `system:serviceaccount:fenceline:global-sidecar`; undefined when it is not valid.
   *
   * @throws {ApiError} when the API server does not answer, or does not let us ask; what was
   * accepted a short time ago still counts then
   * @throws {Error} when too many reviews are under way
   */
  async userOf(token: string): Promise<string | undefined> {
    if (token.length > LONGEST_TOKEN || !TOKEN.test(token)) return undefined;
    const key = createHash("sha256").update(token).digest("base64");
    const known = this.#known(key);
    if (known !== undefined) return known.user;
    const asked = this.#underWay.get(key);
    if (asked !== undefined) return asked;
    if (this.#underWay.size >= MAX_UNDER_WAY) throw new Error(`more than ${MAX_UNDER_WAY} tokens wait for their review`);
    const review = this.#review(token, key).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, review);
    return review;
  }

  #known(key: string): Remembered | undefined {
    const known = this.#accepted.get(key) ?? this.#refused.get(key);
    return known !== undefined && this.#now() < known.until ? known : undefined;
  }

  async #review(token: string, key: string): Promise<string | undefined> {
    const { api, audience } = this.#options;
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token, audiences: [audience] } };
    const answer = await api.json({ method: "POST", path: TOKEN_REVIEWS, body, signal: AbortSignal.timeout(PATIENCE) });
    const user = userIn(answer, audience);
    const [memory, other] = user === undefined ? [this.#refused, this.#accepted] : [this.#accepted, this.#refused];
    other.delete(key);
    // Deleted first, so that the oldest answer stands first in the map.
    memory.delete(key);
    memory.set(key, { user, until: this.#now() + (user === undefined ? REFUSED_FOR : ACCEPTED_FOR) });
    for (const oldest of memory.keys()) {
      if (memory.size <= MAX_REMEMBERED) break;
      memory.delete(oldest);
    }
    return user;
  }
}

/**
 * An authenticator that knows nothing of audiences says nothing of them; then the token was made
 * for whoever.
 */
function userIn(answer: unknown, audience: string): string | undefined {
  const { status } = answer as { status?: { authenticated?: unknown; audiences?: unknown; user?: { username?: unknown } } };
  const { authenticated, audiences, user } = status ?? {};
  const isForUs = authenticated === true && Array.isArray(audiences) && audiences.includes(audience);
  return isForUs && typeof user?.username === "string" ? user.username : undefined;
}
