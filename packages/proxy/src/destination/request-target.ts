import { parseAuthority } from "@fenceline/registry";
import { Refusal } from "../refusals/refusal.ts";
import type { RequestHead } from "./request-head.ts";

/** The parts of a request target. `path` is forwarded unchanged to the destination. */
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
 * The one authority by which a request is routed, as text.
 *
 * There must be exactly one Host, and it must be valid even where an absolute-form target overrides
 * it (RFC 9112 §3.2): earlier hops may have used it.
 */
export function effectiveAuthority(head: RequestHead, target: RequestTarget): string | Refusal {
  if (head.host === undefined) return new Refusal("HOST_MALFORMED", "Host is missing");
  if (head.hostCount > 1) return new Refusal("HOST_MALFORMED", "Host stands more than once in the request");
  if (target.authority === undefined) return head.host;
  return parseAuthority(head.host) === undefined ? new Refusal("HOST_MALFORMED", "Host is not a valid host") : target.authority;
}
