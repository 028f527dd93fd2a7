/** A workload's identity in the mesh, as its certificate states it. */
export interface PeerIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
}

const SPIFFE_ID = /^spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/([^/]+)$/;
/** One `key=value` of an element; a value may be quoted, and then hold any of the separators. */
const PAIR = /\s*([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^;,]*)(;|,|$)/y;

/** Identity of `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`; undefined for any other URI. */
export function parseSpiffeId(uri: string): PeerIdentity | undefined {
  const [, namespace, serviceAccount] = SPIFFE_ID.exec(uri) ?? [];
  return namespace === undefined || serviceAccount === undefined ? undefined : { namespace, serviceAccount };
}

/**
 * The peer of the last hop, from `x-forwarded-client-cert`.
 *
 * Every proxy on the way appends an element, so only the last one was written by our own proxy; what stands before it is anybody's claim.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert
 */
export function peerOfForwardedClientCert(header: string): PeerIdentity | undefined {
  let peer: PeerIdentity | undefined;
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < header.length) {
    const match = PAIR.exec(header);
    if (match === null) return undefined;
    const [, key = "", value = "", separator] = match;
    if (key.toLowerCase() === "uri") peer ??= parseSpiffeId(value.replace(/^"(.*)"$/, "$1"));
    if (separator === "," && PAIR.lastIndex < header.length) peer = undefined;
    if (separator === "") break;
  }
  return peer;
}
