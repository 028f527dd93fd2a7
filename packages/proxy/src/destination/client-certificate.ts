import { type FenceKey, type Peer, peerOfForwardedClientCert } from "@fenceline/api/vocabulary";
import { LRUCache } from "lru-cache";

/** What is believed of `x-forwarded-client-cert`. */
export interface ClientCertificateOptions {
  /** Trust domains of the mesh. An identity of any other one is none. */
  readonly trustDomains: readonly string[];
  /** Whether callers without a certificate are believed. */
  readonly acceptPlaintext: boolean;
}

/**
 * The namespace that a caller is certified to be of: empty where its certificate names no workload
 * of this mesh, which no claim can agree with; null where it has no certificate and needs one;
 * undefined where it needs none.
 */
export type CertifiedNamespace = string | null | undefined;

/** What is believed of a caller without a certificate. What cannot be proved is not (T-03). */
export function uncertified({ acceptPlaintext }: Pick<ClientCertificateOptions, "acceptPlaintext">): CertifiedNamespace {
  return acceptPlaintext ? undefined : null;
}

/** Distinct header values remembered; there is one per caller's certificate. */
const MAX_REMEMBERED = 1_000;
/**
 * Longest header that is remembered. A caller can put whatever it likes before Envoy's element,
 * which alone has some 200 bytes.
 */
const MAX_REMEMBERED_LENGTH = 2_048;

/**
 * Reads `x-forwarded-client-cert`, with a bounded memory: the header is long, and the same for
 * every request of a caller.
 */
export function rememberCertifiedNamespaces(options: ClientCertificateOptions): (header: string | undefined) => CertifiedNamespace {
  const remembered = new LRUCache<string, string>({ max: MAX_REMEMBERED });
  const absent = uncertified(options);
  return (header) => {
    if (header === undefined) return absent;
    if (header.length > MAX_REMEMBERED_LENGTH) return namespaceOf(peerOfForwardedClientCert(header, options.trustDomains));
    let namespace = remembered.get(header);
    if (namespace === undefined) {
      namespace = namespaceOf(peerOfForwardedClientCert(header, options.trustDomains));
      remembered.set(header, namespace);
    }
    return namespace;
  };
}

function namespaceOf(peer: Peer): string {
  return typeof peer === "string" ? "" : peer.namespace;
}

/**
 * What a caller's `fence-source` is worth.
 *
 * - `none`: there is none, or it names no fence
 * - `believed`: the certificate is of the same namespace, or there are no certificates at all
 * - `unproven`: there was no certificate that could be read
 * - `contradicted`: the certificate is of another namespace
 */
export type Claim = "none" | "believed" | "unproven" | "contradicted";

/**
 * The claim is a header, the certificate a proof: who claims another namespace could otherwise
 * widen somebody else's fence, or go out in its name.
 */
export function claimOf(source: FenceKey | undefined, certified: CertifiedNamespace): Claim {
  if (source === undefined) return "none";
  if (certified === undefined || certified === source.namespace) return "believed";
  return certified === null ? "unproven" : "contradicted";
}
