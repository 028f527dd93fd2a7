/** Header fields of a call, by lower-case names: those of HTTP/2, or the metadata of gRPC. */
export type CallHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Why a caller is refused, as gRPC tells it. */
export interface CallerRefusal {
  /**
   * The gRPC status. UNAUTHENTICATED, PERMISSION_DENIED: it is not who it claims to be.
   * UNAVAILABLE: that cannot be told now, and it may try again.
   */
  readonly code: "UNAUTHENTICATED" | "PERMISSION_DENIED" | "UNAVAILABLE";
  /** Printable ASCII. */
  readonly details: string;
}

/**
 * Tells whether a call comes from somebody in particular; undefined when it does. Answers at once
 * where it knows. Never fails.
 *
 * @param peer that of the call, see `GrpcCall`
 * @param isAgain the same call was let in before: a refusal is no news, as tokens end
 */
export type CallerCheck = (
  headers: CallHeaders,
  peer: string,
  isAgain?: boolean,
) => CallerRefusal | undefined | Promise<CallerRefusal | undefined>;

const SCHEME = /^Bearer +/i;

/** Metadata that shows a token (RFC 6750 §2.1). */
export function bearer(token: string): Readonly<Record<"authorization", string>> {
  return { authorization: `Bearer ${token}` };
}

/**
 * The token of an `authorization` field; undefined when there is none, several, or one of another
 * scheme.
 */
export function bearerToken({ authorization }: CallHeaders): string | undefined {
  return typeof authorization === "string" && SCHEME.test(authorization) ? authorization.replace(SCHEME, "") : undefined;
}

/** One field as text, several joined as HTTP does it (RFC 9110 §5.3). */
export function fieldText(value: CallHeaders[string]): string | undefined {
  return typeof value === "string" || value === undefined ? value : value.join(",");
}
