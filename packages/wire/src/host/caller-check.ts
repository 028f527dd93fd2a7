/** Header fields of a call, by lower-case names: those of HTTP/2, or the metadata of gRPC. */
export type CallHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Why a caller is refused, as a status of gRPC. */
export interface CallerRefusal {
  /**
   * The gRPC status. UNAUTHENTICATED, PERMISSION_DENIED: the caller is not who it claims to be.
   * UNAVAILABLE: this cannot be checked now, and the caller may try again.
   */
  readonly code: "UNAUTHENTICATED" | "PERMISSION_DENIED" | "UNAVAILABLE";
  /** Printable ASCII. */
  readonly details: string;
}

/**
 * Checks whether a call comes from a certain caller. Undefined when it does, else why it is
 * refused. Answers synchronously where the answer is known. Never fails.
 *
 * @param peer that of the call, see `GrpcCall`
 * @param isAgain the same call was admitted before. A refusal is normal then, since tokens expire
 */
export type CallerCheck = (
  headers: CallHeaders,
  peer: string,
  isAgain?: boolean,
) => CallerRefusal | undefined | Promise<CallerRefusal | undefined>;

const SCHEME = /^Bearer +/i;

/** Metadata with a bearer token (RFC 6750 §2.1). */
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
