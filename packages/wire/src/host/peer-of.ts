import type { IncomingHttpHeaders } from "node:http2";
import { FORWARDED_CLIENT_CERT, peerOfForwardedClientCert } from "@fenceline/api/vocabulary";

/**
 * Istio's sidecar calls the application from 127.0.0.6, whoever calls the sidecar; so does
 * everything else on this machine, from loopback.
 */
const LOOPBACK = /^(?:::ffff:)?127\.|^::1$|^::6$/;

/**
 * Whom the limits of a call count for.
 *
 * Behind a sidecar every connection comes from one address, and the certified identity tells
 * senders apart. A connection from elsewhere has not come by the sidecar: its
 * `x-forwarded-client-cert` is the sender's own word, and would give it as many limits as it has
 * names.
 */
export function peerOf(headers: IncomingHttpHeaders, address: string, trustDomains: readonly string[]): string {
  const certificate = headers[FORWARDED_CLIENT_CERT];
  if (typeof certificate !== "string" || !LOOPBACK.test(address)) return address;
  const identity = peerOfForwardedClientCert(certificate, trustDomains);
  return typeof identity === "string" ? address : `${identity.namespace}/${identity.serviceAccount}`;
}
