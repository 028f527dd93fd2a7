import type { IncomingHttpHeaders } from "node:http2";
import { FORWARDED_CLIENT_CERT, peerOfForwardedClientCert } from "@fenceline/api/vocabulary";

/**
 * Istio's sidecar calls the application from 127.0.0.6. Everything else on this machine calls from
 * loopback, too.
 */
const LOOPBACK = /^(?:::ffff:)?127\.|^::1$|^::6$/;

/**
 * The peer to which the limits of a call apply.
 *
 * Behind a sidecar every connection comes from one address, and the certified identity
 * distinguishes senders. A connection from elsewhere has not come through the sidecar. The sender
 * itself has written its `x-forwarded-client-cert`, and could get further limits by further names.
 */
export function peerOf(headers: IncomingHttpHeaders, address: string, trustDomains: readonly string[]): string {
  const certificate = headers[FORWARDED_CLIENT_CERT];
  if (typeof certificate !== "string" || !LOOPBACK.test(address)) return address;
  const identity = peerOfForwardedClientCert(certificate, trustDomains);
  return typeof identity === "string" ? address : `${identity.namespace}/${identity.serviceAccount}`;
}
