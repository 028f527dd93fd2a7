import { type FenceKey, parseFenceKey } from "@fenceline/api/vocabulary";
import { type Authority, parseAuthority } from "@fenceline/registry";
import { Refusal } from "../refusals/refusal.ts";

/** The fields of a request that tell where it goes and who sends it, as text. */
export interface DestinationFields {
  /** Host, or the authority of an absolute-form target. */
  readonly authority: string;
  readonly originalDestination: string | undefined;
  readonly source: string | undefined;
  readonly sourceNamespace: string | undefined;
}

/** The meaning of these fields. Only their syntax was checked. */
export interface Destination {
  /** The authority as received. It is reported unchanged, and the destination sees it. */
  readonly authority: string;
  readonly named: Authority;
  /**
   * Port that a name is resolved with: of the authority, else of the original destination, else 80.
   */
  readonly port: number;
  readonly original: { readonly address: string; readonly port: number; readonly kind: "ipv4" | "ipv6" } | undefined;
  /** Undefined when the caller named none, or something else than `<namespace>/<fence>`. */
  readonly source: FenceKey | undefined;
  /** Namespace of the caller, to complete short names. */
  readonly namespace: string | undefined;
}

/** RFC 1123 label, what Kubernetes allows as a namespace. */
const NAMESPACE = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
export const DEFAULT_HTTP_PORT = 80;

/** Step 1: text to meaning. */
export function parseDestination(fields: DestinationFields): Destination | Refusal {
  const named = parseAuthority(fields.authority);
  if (named === undefined) return new Refusal("HOST_MALFORMED", "Host is not a valid host with an optional port");
  const original = parseOriginal(fields.originalDestination);
  if (original instanceof Refusal) return original;
  const source = fields.source === undefined ? undefined : parseFenceKey(fields.source);
  return {
    authority: fields.authority,
    named,
    port: named.port ?? original?.port ?? DEFAULT_HTTP_PORT,
    original,
    source,
    namespace: source?.namespace ?? namespaceOf(fields.sourceNamespace),
  };
}

function parseOriginal(text: string | undefined): Destination["original"] | Refusal {
  if (text === undefined) return undefined;
  const parsed = parseAuthority(text);
  if (parsed === undefined || parsed.kind === "name" || parsed.port === undefined) {
    return new Refusal("ORIGINAL_DESTINATION_MALFORMED", "slime-orig-dest is not an IP address with a port");
  }
  return { address: parsed.host, port: parsed.port, kind: parsed.kind };
}

function namespaceOf(text: string | undefined): string | undefined {
  return text !== undefined && NAMESPACE.test(text) ? text : undefined;
}
