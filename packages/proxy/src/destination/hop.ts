/**
 * Request header that marks a request as forwarded by a global sidecar: short digests of the
 * destinations to which it was sent, oldest first.
 *
 * Why not Via (RFC 9110 §7.6.3)? A destination may act on Via (some servers switch compression off,
 * some log it as a client), and a fallback must not change what the destination sees. A mark
 * without destinations would not do either: an application may copy all headers from the request
 * that it serves to those that it makes, as many reverse proxies do. Its next call through the
 * fallback then has the mark and is no loop. A loop is a request that comes back on its way to the
 * same destination.
 */
export const HOP_HEADER = "fenceline-hop";

/**
 * With more destinations than this a request counts as a loop in any case, so that the header
 * cannot grow without end.
 */
const MAX_HOPS = 10;

/**
 * Digest of a destination: FNV-1a, 32 bits. A match by chance needs ten hops and one in 400
 * million.
 */
export function hopMark(host: string, port: number): string {
  let hash = 0x811c9dc5;
  const text = `${host}:${port}`;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/**
 * Value of the header to forward; undefined when the request was sent to this destination before.
 */
export function nextHops(received: string | undefined, mark: string): string | undefined {
  if (received === undefined) return mark;
  const hops = received.split(",");
  return hops.length >= MAX_HOPS || hops.includes(mark) ? undefined : `${received},${mark}`;
}
