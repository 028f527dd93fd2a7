/** Why a call in the fallback's name was refused. A closed set: it labels a metric. */
export const FALLBACK_REFUSALS = ["no_certificate", "identity_mismatch", "no_token", "token_refused", "token_not_reviewed"] as const;
