/** A workload's identity in the mesh, as its certificate states it. */
export interface PeerIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/**
 * What is known of a peer: its identity; `absent` where it showed no certificate; `unreadable`
 * where it showed one that names no workload of this mesh. What is unreadable contradicts every
 * claim: were it taken for absent, whoever can garble it would be believed.
 */
export type Peer = PeerIdentity | "absent" | "unreadable";

/** Whether a certificate supports a claim: `missing` is no certificate at all. */
export type Agreement = "agrees" | "contradicts" | "missing";

/** Trust domain of a mesh that configures none, as in Istio. */
export const DEFAULT_TRUST_DOMAIN = "cluster.local";

/**
 * Namespaces are DNS labels, service accounts DNS subdomains (RFC 1123), as Kubernetes has it. The
 * trust domain is compared, so anything may stand there.
 */
const SPIFFE_ID = /^spiffe:\/\/([^/]+)\/ns\/([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)\/sa\/([a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?)$/;

/** The characters that the format gives a meaning. */
const [QUOTE, BACKSLASH, COMMA] = ['"', "\\", ","];

/**
 * The identity in a SPIFFE id `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`, the
 * only form that Istio issues; undefined for any other URI, and for a trust domain that is not
 * among the given ones.
 */
export function parseSpiffeId(uri: string, trustDomains: readonly string[]): PeerIdentity | undefined {
  const [, trustDomain = "", namespace = "", serviceAccount = ""] = SPIFFE_ID.exec(uri) ?? [];
  return trustDomains.includes(trustDomain) ? { namespace, serviceAccount } : undefined;
}

/**
 * The peer with these URIs in its certificate. X.509-SVIDs have exactly one; several must name one
 * and the same workload.
 */
export function peerOfUris(uris: readonly string[], trustDomains: readonly string[]): Peer {
  let peer: PeerIdentity | undefined;
  for (const uri of uris) {
    const identity = parseSpiffeId(uri, trustDomains);
    if (identity === undefined || (peer !== undefined && !isSame(peer, identity))) return "unreadable";
    peer = identity;
  }
  return peer ?? "absent";
}

/**
 * The peer of the last hop, from `x-forwarded-client-cert`.
 *
 * Under APPEND_FORWARD Envoy appends its own element to whatever the client sent, and only that one
 * is believed. So the header is read from its end: nothing in front of Envoy's element is looked
 * at, and nothing there, open quotes and escapes included, can move where it begins.
 *
 * @param header undefined when there is none. Envoy writes it for every client with a certificate,
 * and removes it for every other one.
 * @see
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert
 */
export function peerOfForwardedClientCert(header: string | undefined, trustDomains: readonly string[]): Peer {
  if (header === undefined) return "absent";
  const uris = urisOfLastElement(header);
  // Envoy writes the key even where the certificate has no URI.
  if (uris === undefined || uris.length !== 1) return "unreadable";
  return peerOfUris(uris, trustDomains);
}

/** Whether a peer is of the namespace that was claimed. */
export function agreement(peer: Peer, namespace: string): Agreement {
  if (peer === "absent") return "missing";
  return peer !== "unreadable" && peer.namespace === namespace ? "agrees" : "contradicts";
}

function isSame(a: PeerIdentity, b: PeerIdentity): boolean {
  return a.namespace === b.namespace && a.serviceAccount === b.serviceAccount;
}

/**
 * `key=value`. A quoted value may hold separators, and escaped quotes (RFC 4514 §2.4). Node puts a
 * space before an element that it joined itself.
 */
const PAIR = /^\s*([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^"]*))$/s;

/** The values of `URI` in the last element; undefined when it is not built as Envoy builds one. */
function urisOfLastElement(header: string): string[] | undefined {
  const uris: string[] = [];
  for (let end = header.length; ; ) {
    const start = startOfPair(header, end);
    if (start === undefined) return undefined;
    const [, key = "", quoted, plain = ""] = PAIR.exec(header.slice(start, end)) ?? [];
    if (key === "") return undefined;
    if (key.toLowerCase() === "uri") uris.push(quoted ?? plain);
    if (start === 0 || header[start - 1] === COMMA) return uris;
    end = start - 1;
  }
}

/**
 * Where the pair that ends at `end` begins: behind a separator that is not within quotes, or at 0.
 * Undefined when a quote has no counterpart.
 */
function startOfPair(header: string, end: number): number | undefined {
  let at = end;
  if (header[end - 1] === QUOTE) {
    const opening = openingQuote(header, end - 1);
    if (opening === undefined) return undefined;
    at = opening;
  }
  while (at > 0 && !isSeparator(header[at - 1])) {
    at -= 1;
    // A quote that neither opens nor closes the value: not written by Envoy.
    if (header[at] === QUOTE) return undefined;
  }
  return at;
}

/** The quote that opens the value that `closing` closes: the nearest one that is not escaped. */
function openingQuote(header: string, closing: number): number | undefined {
  for (let at = header.lastIndexOf(QUOTE, closing - 1); at > 0; at = header.lastIndexOf(QUOTE, at - 1)) {
    if (!isEscaped(header, at)) return at;
  }
  return undefined;
}

/** A character is escaped behind an odd number of backslashes. */
function isEscaped(header: string, at: number): boolean {
  let backslashes = 0;
  while (header[at - 1 - backslashes] === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}

function isSeparator(character: string | undefined): boolean {
  return character === COMMA || character === ";";
}
