import { type FenceKey, type Peer, peerOfForwardedClientCert } from "@fenceline/api/vocabulary";
import { LRUCache } from "lru-cache";

/** How `x-forwarded-client-cert` is checked. */
export interface ClientCertificateOptions {
  /** Trust domains of the mesh. Identities of other domains do not count. */
  readonly trustDomains: readonly string[];
  /** Whether callers without a certificate are believed. */
  readonly acceptPlaintext: boolean;
}

/**
 * The namespace in a caller's certificate. Empty where it names no workload of this mesh, so that
 * no claim matches it; null where there is no certificate and one is needed; undefined where none
 * is needed.
 */
export type CertifiedNamespace = string | null | undefined;

/** What is believed of a caller without a certificate. A claim without proof is not (T-03). */
export function uncertified({ acceptPlaintext }: Pick<ClientCertificateOptions, "acceptPlaintext">): CertifiedNamespace {
  return acceptPlaintext ? undefined : null;
}

/** Most header values that are remembered; there is one per caller's certificate. */
const MAX_REMEMBERED = 1_000;
/**
 * Longest header that is remembered. A caller can put anything before Envoy's element, which alone
 * has some 200 bytes.
 */
const MAX_REMEMBERED_LENGTH = 2_048;

/**
 * Reads `x-forwarded-client-cert`, with bounded memory: the header is long, and the same for every
 * request of a caller.
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
 * The value of a caller's `fence-source`.
 *
 * - `none`: there is none, or it names no fence
 * - `believed`: the certificate is of the same namespace, or certificates are not used
 * - `unproven`: there was no readable certificate
 * - `contradicted`: the certificate is of another namespace
 */
export type Claim = "none" | "believed" | "unproven" | "contradicted";

/**
 * The claim is a header, the certificate a proof. Otherwise a caller could claim another namespace,
 * and widen another's fence or leave the mesh in its name.
 */
export function claimOf(source: FenceKey | undefined, certified: CertifiedNamespace): Claim {
  if (source === undefined) return "none";
  if (certified === undefined || certified === source.namespace) return "believed";
  return certified === null ? "unproven" : "contradicted";
}
