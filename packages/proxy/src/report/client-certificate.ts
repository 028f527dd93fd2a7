import { peerOfForwardedClientCert } from "@fenceline/api/vocabulary";
import { LRUCache } from "lru-cache";

/** Distinct header values remembered; there is one per caller's certificate. */
const MAX_REMEMBERED = 1_000;

/** The namespace of the peer in an `x-forwarded-client-cert` header, with a bounded memory: the header is long, and the same for every request of a caller. */
export function rememberCertifiedNamespaces(): (header: string) => string | undefined {
  const remembered = new LRUCache<string, { readonly namespace: string | undefined }>({ max: MAX_REMEMBERED });
  return (header) => {
    let known = remembered.get(header);
    if (known === undefined) {
      known = { namespace: peerOfForwardedClientCert(header)?.namespace };
      remembered.set(header, known);
    }
    return known.namespace;
  };
}
