import type { IncomingMessage } from "node:http";
import { FencelineError, peerAddress } from "@fenceline/api/vocabulary";
import { ApiRefusal } from "../refusal.ts";
import { type Guard, type GuardedCall, type RefusalReason, tokenOf, tokenRefused } from "./guard.ts";
import { formatRight, type Right } from "./right.ts";

/**
 * The reviews of callers. Both throw when a review is not possible, with the code `REVIEWS_LIMITED`
 * when the callers have caused this.
 */
interface Reviewers<User extends { readonly username: string }> {
  /** @param from where the token came from, so that one origin cannot use up all reviews */
  readonly authenticate: (token: string, from: string) => Promise<User | undefined>;
  readonly authorize: (user: User, right: Right) => Promise<boolean>;
}

/** Settings of a {@link reviewGuard}. */
export interface ReviewGuardOptions<User extends { readonly username: string }> extends Reviewers<User> {
  /** Where to get a token, for a caller without one. */
  readonly hint: string;
  readonly onRefused: (reason: RefusalReason) => void;
  /** Called when a review is not possible. */
  readonly onTrouble: (error: unknown) => void;
}

/**
 * Requires a token, asks who its user is, then whether this user has the right. A call that cannot
 * be reviewed is refused.
 */
export function reviewGuard<User extends { readonly username: string }>(options: ReviewGuardOptions<User>): Guard {
  const { authenticate, authorize, hint, onRefused } = options;
  const refuse = (reason: RefusalReason, refusal: ApiRefusal) => {
    onRefused(reason);
    return refusal;
  };
  const reviewed = async <T>(review: Promise<T>): Promise<T> => {
    try {
      return await review;
    } catch (error) {
      if (error instanceof FencelineError && error.code === "REVIEWS_LIMITED") throw refuse("limited", tooMany());
      options.onTrouble(error);
      throw refuse("not_reviewed", unavailable(error));
    }
  };
  const tokenIn = (request: IncomingMessage) => {
    try {
      return tokenOf(request, hint);
    } catch (error) {
      onRefused("token_missing");
      throw error;
    }
  };
  return {
    async admit({ request, right }: GuardedCall) {
      const token = tokenIn(request);
      const user = await reviewed(authenticate(token, peerAddress(request.socket.remoteAddress)));
      if (user === undefined) throw refuse("token_refused", tokenRefused(hint));
      const needed = right();
      if (!(await reviewed(authorize(user, needed)))) throw refuse("forbidden", forbidden(user.username, needed));
    },
  };
}

function forbidden(username: string, right: Right): ApiRefusal {
  const isForAll = right.verb === "list" && right.namespace === undefined;
  const hint = isForAll ? "; name a namespace in which you may with ?namespace=" : "";
  return new ApiRefusal(403, "FORBIDDEN", `${username} may not ${formatRight(right)}${hint}`);
}

function tooMany(): ApiRefusal {
  const message = "too many tokens that are not valid, or questions for rights, came from here; wait a moment";
  return new ApiRefusal(429, "REVIEWS_LIMITED", message, { "retry-after": "1" });
}

function unavailable(error: unknown): ApiRefusal {
  const code = error instanceof FencelineError ? error.code : "INTERNAL";
  const message = `the API server cannot be asked about the caller now (${code}); see the log`;
  return new ApiRefusal(503, "REVIEW_UNAVAILABLE", message, { "retry-after": "1" });
}
