import { COLLECTOR_AUDIENCE, FencelineError, LineBudget } from "@fenceline/api";
import { type Guard, REFUSAL_REASONS, reviewGuard } from "@fenceline/http-api";
import { AccessReviews, type KubernetesApi, TokenReviews } from "@fenceline/kubernetes";
import { Counter, Registry as MetricsRegistry } from "prom-client";

/** What an {@link apiGuard} runs with. */
export interface ApiGuardOptions {
  readonly api: KubernetesApi;
  /** Told of an API server that cannot be asked. */
  readonly onTrouble: (error: FencelineError) => void;
  /** Milliseconds of a monotonic clock. */
  readonly clock?: () => number;
}

const HINT = `kubectl create token <service account> --audience=${COLLECTOR_AUDIENCE} makes one`;
/**
 * Milliseconds that the owner of a token is believed. Kubernetes' own servers believe it as long.
 */
const TOKEN_BELIEVED = 10_000;
/** Tokens of one address that are not valid. */
const BAD_TOKENS = { burst: 10, perSecond: 2 };
/** Questions of one user for what he may not: a script may try all namespaces of a mesh. */
const RIGHTS_LACKED = { burst: 100, perSecond: 10 };
/** Reports of trouble in a minute: each call has some while the API server is away. */
const TROUBLES = { lines: 1, window: 60_000 };

/**
 * Who may call the collector's API in a cluster: the API server says whose a token is and what that
 * user may do.
 *
 * Tokens must be made for us. One for the API server would let whoever reads it here, or on the
 * way, act as its owner there.
 */
export function apiGuard({ api, onTrouble, clock = () => performance.now() }: ApiGuardOptions): {
  readonly guard: Guard;
  readonly metrics: MetricsRegistry;
} {
  const { metrics, refused } = refusalMetrics();
  const tokens = new TokenReviews({ api, audience: COLLECTOR_AUDIENCE, yesFor: TOKEN_BELIEVED, noes: BAD_TOKENS, clock });
  const rights = new AccessReviews({ api, noes: RIGHTS_LACKED, clock });
  const troubles = new LineBudget({ ...TROUBLES, clock });
  const guard = reviewGuard({
    authenticate: (token, from) => tokens.authenticate(token, from),
    authorize: (user, right) => rights.may(user, right),
    hint: HINT,
    onRefused: (reason) => refused.inc({ reason }),
    onTrouble: (error) => {
      if (error instanceof FencelineError && troubles.take("trouble") !== undefined) onTrouble(error);
    },
  });
  return { guard, metrics };
}

/** What an {@link apiGuard} counts. */
export function refusalMetrics(): { readonly metrics: MetricsRegistry; readonly refused: Counter<"reason"> } {
  const metrics = new MetricsRegistry();
  const refused = new Counter({
    name: "fenceline_api_calls_refused_total",
    help: "Calls of the API that were refused because of who made them, by reason.",
    labelNames: ["reason"],
    registers: [metrics],
  });
  for (const reason of REFUSAL_REASONS) refused.inc({ reason }, 0);
  return { metrics, refused };
}
