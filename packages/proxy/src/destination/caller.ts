import type { FenceKey } from "@fenceline/api/vocabulary";
import type { CertifiedNamespace } from "./client-certificate.ts";

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
