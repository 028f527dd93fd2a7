import type { IncomingMessage } from "node:http";
import { ApiRefusal } from "../refusal.ts";
import type { Right } from "./right.ts";

/** A call of a route that is not for everybody. */
export interface GuardedCall {
  readonly request: IncomingMessage;
  /** Whether the call only reads. */
  readonly isRead: boolean;
  /**
   * The right that the call needs. It is computed from the parameters only after authentication, so
   * that an unknown caller learns nothing about them.
   *
   * @throws {ApiRefusal} when a parameter is not valid
   */
  readonly right: () => Right;
}

/** Decides who may call what. It is not asked about probes and metrics. */
export interface Guard {
  /** @throws {ApiRefusal} 401, 403, 429 or 503 for a call that must not be answered */
  admit(call: GuardedCall): Promise<void> | void;
}

/** Why a call was refused: a closed set, for metrics. */
export const REFUSAL_REASONS = ["token_missing", "token_refused", "forbidden", "limited", "not_reviewed"] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

const BEARER = /^bearer +([^ ]+)$/i;

/**
 * The token of `Authorization: Bearer` (RFC 6750 §2.1).
 *
 * @param hint where to find a token
 * @throws {ApiRefusal} `TOKEN_MISSING` when there is none, or more than one
 */
export function tokenOf({ headersDistinct }: IncomingMessage, hint: string): string {
  const [given = "", ...more] = headersDistinct.authorization ?? [];
  const token = BEARER.exec(given)?.[1];
  // A challenge to a request without a token names no error (RFC 6750 §3.1).
  const headers = { "www-authenticate": 'Bearer realm="fenceline"' };
  if (token === undefined || more.length > 0) {
    throw new ApiRefusal(401, "TOKEN_MISSING", `send one header "Authorization: Bearer <token>"; ${hint}`, headers);
  }
  return token;
}

/** `TOKEN_INVALID` */
export function tokenRefused(hint: string): ApiRefusal {
  const headers = { "www-authenticate": 'Bearer realm="fenceline", error="invalid_token"' };
  return new ApiRefusal(401, "TOKEN_INVALID", `the token is not valid here; ${hint}`, headers);
}
