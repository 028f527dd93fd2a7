import { COLLECTOR_AUDIENCE, FencelineError, LineBudget } from "@fenceline/api";
import { type Guard, REFUSAL_REASONS, reviewGuard } from "@fenceline/http-api";
import { AccessReviews, type KubernetesApi, TokenReviews } from "@fenceline/kubernetes";
import { Counter, Registry as MetricsRegistry } from "prom-client";

/** Settings of an {@link apiGuard}. */
export interface ApiGuardOptions {
  readonly api: KubernetesApi;
  /** Called when the API server cannot be asked. */
  readonly onTrouble: (error: FencelineError) => void;
  /** Milliseconds of a monotonic clock. */
  readonly clock?: () => number;
}

const HINT = `kubectl create token <service account> --audience=${COLLECTOR_AUDIENCE} makes one`;
/** Milliseconds for which the user of a token is cached, as in Kubernetes' own servers. */
const TOKEN_BELIEVED = 10_000;
/** Most invalid tokens of one address. */
const BAD_TOKENS = { burst: 10, perSecond: 2 };
/** Most refused questions of one user: a script may try all namespaces of a mesh. */
const RIGHTS_LACKED = { burst: 100, perSecond: 10 };
/** Reports of trouble in a minute: while the API server is away, every call causes one. */
const TROUBLES = { lines: 1, window: 60_000 };

/**
 * Guards the collector's API in a cluster: the API server says which user a token belongs to, and
 * what this user may do.
 *
 * Tokens must have our audience. Somebody who reads a token for the API server here, or on the way,
 * could act as its owner there.
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
      if (error instanceof FencelineError && troubles.take("trouble")) onTrouble(error);
    },
  });
  return { guard, metrics };
}

/** The metrics of an {@link apiGuard}. */
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
