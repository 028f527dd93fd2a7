import { parseAuthority } from "@fenceline/registry";
import { Refusal } from "../refusals/refusal.ts";
import type { RequestHead } from "./request-head.ts";

/**
 * A request target, split. `path` is what goes to the destination: every byte as the client sent
 * it.
 */
export interface RequestTarget {
  readonly path: string;
  /** Of an absolute-form target; it wins over Host (RFC 9112 §3.2.2). */
  readonly authority: string | undefined;
}

const ABSOLUTE_FORM = /^http:\/\/([^/?#]*)(.*)$/is;

/**
 * Splits a request target of origin-form, absolute-form or, for OPTIONS, asterisk-form (RFC 9112
 * §3.2).
 */
export function parseTarget(target: string, method: string): RequestTarget | Refusal {
  if (target.startsWith("/")) return { path: target, authority: undefined };
  if (target === "*" && method === "OPTIONS") return { path: "*", authority: undefined };
  const absolute = ABSOLUTE_FORM.exec(target);
  if (absolute === null) return new Refusal("REQUEST_MALFORMED", "the request target is neither a path nor an http URL");
  const [, authority = "", rest = ""] = absolute;
  // RFC 9112 §3.2.4: the last proxy turns an OPTIONS for a host without a path into the
  // asterisk-form.
  if (rest === "" && method === "OPTIONS") return { path: "*", authority };
  return { path: rest.startsWith("/") ? rest : `/${rest}`, authority };
}

/**
 * The one authority that a request is routed by, as text.
 *
 * Host must be there exactly once and be valid even where an absolute-form target overrules it (RFC
 * 9112 §3.2): the hops before this one may have looked at it.
 */
export function effectiveAuthority(head: RequestHead, target: RequestTarget): string | Refusal {
  if (head.host === undefined) return new Refusal("HOST_MALFORMED", "Host is missing");
  if (head.hostCount > 1) return new Refusal("HOST_MALFORMED", "Host stands more than once in the request");
  if (target.authority === undefined) return head.host;
  return parseAuthority(head.host) === undefined ? new Refusal("HOST_MALFORMED", "Host is not a valid host") : target.authority;
}
