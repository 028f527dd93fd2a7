import { type Config, FORWARDED_CLIENT_CERT, peerOfForwardedClientCert, trustDomainsOf } from "@fenceline/api";
import { bearerToken, type CallerCheck, type CallerRefusal, type CallHeaders, fieldText } from "@fenceline/wire";
import type { Logger } from "pino";
import type { Counter } from "prom-client";
import { toldLines } from "../told-lines.ts";

/**
 * Checks whether a token is the global sidecar's. Throws when this cannot be checked now.
 *
 * In a cluster the check is a TokenReview of its projected token; in one process it compares a
 * secret that both parts know. `from` is the peer that sends the token, so that one peer cannot use
 * up the reviews for all.
 */
export type FallbackToken = (token: string, from: string) => boolean | Promise<boolean>;

/** Why a call in the fallback's name was refused. A closed set: it labels a metric. */
export const FALLBACK_REFUSALS = ["no_certificate", "identity_mismatch", "no_token", "token_refused", "token_not_reviewed"] as const;
type FallbackRefusal = (typeof FALLBACK_REFUSALS)[number];

/** Settings of {@link fallbackCaller}. */
export interface FallbackCallerOptions {
  readonly config: Config;
  /** Undefined: no caller counts as the fallback. */
  readonly token: FallbackToken | undefined;
  readonly refused: Counter<"reason">;
  readonly logger: Logger;
}

const REFUSED = "reports refused, not the global sidecar";
const ANSWERS: Readonly<Record<FallbackRefusal, CallerRefusal>> = {
  no_certificate: { code: "UNAUTHENTICATED", details: "the global sidecar has to come by mTLS, and no client certificate was told" },
  identity_mismatch: { code: "PERMISSION_DENIED", details: "the client certificate is not the global sidecar's" },
  no_token: { code: "UNAUTHENTICATED", details: "no token of the global sidecar: see its flag --collector-token-file" },
  token_refused: { code: "UNAUTHENTICATED", details: "the token is not a valid one of the global sidecar" },
  token_not_reviewed: { code: "UNAVAILABLE", details: "the token could not be reviewed; try again" },
};

/**
 * Whether a call comes from the global sidecar itself.
 *
 * Its certificate alone proves nothing: what it forwards for others leaves the same pod, through
 * the same Envoy, with the same certificate. Only its own process can read the file with the token.
 * The certificate has to match nevertheless, so that a leaked token cannot be used elsewhere.
 */
export function fallbackCaller({ config, token, refused, logger }: FallbackCallerOptions): CallerCheck {
  const lines = toldLines(logger, REFUSED);
  const tell = (reason: FallbackRefusal, cause: unknown): void => {
    refused.inc({ reason });
    if (lines.take(reason)) logger.warn({ reason, err: cause }, REFUSED);
  };
  return (headers, peer, isAgain = false) => {
    const refuse = (reason: FallbackRefusal, cause?: unknown): CallerRefusal => {
      if (!isAgain) tell(reason, cause);
      return ANSWERS[reason];
    };
    const objection = certificateObjection(headers, config);
    if (objection !== undefined) return refuse(objection);
    const shown = bearerToken(headers);
    if (shown === undefined || token === undefined) return refuse("no_token");
    const judge = (isTheirs: boolean) => (isTheirs ? undefined : refuse("token_refused"));
    try {
      const verdict = token(shown, peer);
      return verdict instanceof Promise ? verdict.then(judge).catch((cause) => refuse("token_not_reviewed", cause)) : judge(verdict);
    } catch (cause) {
      return refuse("token_not_reviewed", cause);
    }
  };
}

function certificateObjection(headers: CallHeaders, config: Config): FallbackRefusal | undefined {
  const peer = peerOfForwardedClientCert(fieldText(headers[FORWARDED_CLIENT_CERT]), trustDomainsOf(config));
  if (peer === "absent") return config.telemetry.acceptPlaintext ? undefined : "no_certificate";
  const isTheirs = peer !== "unreadable" && peer.namespace === config.namespace && peer.serviceAccount === config.fallback.serviceAccount;
  return isTheirs ? undefined : "identity_mismatch";
}
