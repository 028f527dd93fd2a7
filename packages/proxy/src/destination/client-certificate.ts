import { type FenceKey, type PeerIdentity, peerOfForwardedClientCert } from "@fenceline/api/vocabulary";
import { LRUCache } from "lru-cache";

/** How `x-forwarded-client-cert` is checked. */
export interface ClientCertificateOptions {
  /** Trust domains of the mesh. Identities of other domains do not count. */
  readonly trustDomains: readonly string[];
  /** Whether callers without a certificate are believed. */
  readonly acceptPlaintext: boolean;
}

/**
 * The identity in a caller's certificate: {@link NO_WORKLOAD} where it names none of this mesh;
 * null where there is no certificate and one is needed; undefined where none is needed.
 */
export type Certified = PeerIdentity | null | undefined;

/** Empty, so that no claim matches it. */
const NO_WORKLOAD: PeerIdentity = { namespace: "", serviceAccount: "" };

/** What is believed of a caller without a certificate. A claim without proof is not (T-03). */
export function uncertified({ acceptPlaintext }: Pick<ClientCertificateOptions, "acceptPlaintext">): Certified {
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
export function rememberCertified(options: ClientCertificateOptions): (header: string | undefined) => Certified {
  const remembered = new LRUCache<string, PeerIdentity>({ max: MAX_REMEMBERED });
  const absent = uncertified(options);
  return (header) => {
    if (header === undefined) return absent;
    if (header.length > MAX_REMEMBERED_LENGTH) return identityIn(header, options);
    let identity = remembered.get(header);
    if (identity === undefined) {
      identity = identityIn(header, options);
      remembered.set(header, identity);
    }
    return identity;
  };
}

function identityIn(header: string, { trustDomains }: ClientCertificateOptions): PeerIdentity {
  const peer = peerOfForwardedClientCert(header, trustDomains);
  return typeof peer === "string" ? NO_WORKLOAD : peer;
}

/**
 * The value of a caller's `fence-source`.
 *
 * - `none`: there is none, or it names no fence
 * - `believed`: the certificate is of the same namespace, or certificates are not used
 * - `unproven`: there was no readable certificate
 * - `contradicted`: the certificate is of another namespace, or of none of the fence's accounts
 */
export type Claim = "none" | "believed" | "unproven" | "contradicted";

/**
 * The claim is a header, the certificate a proof. Otherwise a caller could claim another namespace,
 * and widen another's fence or leave the mesh in its name.
 *
 * @param isExcluded whether the fence names service accounts, and the certificate's is none of them
 */
export function claimOf(source: FenceKey | undefined, certified: Certified, isExcluded: boolean): Claim {
  if (source === undefined) return "none";
  if (certified === undefined) return "believed";
  if (certified === null) return "unproven";
  return certified.namespace === source.namespace && !isExcluded ? "believed" : "contradicted";
}
