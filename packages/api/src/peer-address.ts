/** An IPv4 address, as the peer of a socket that listens on both families. */
const MAPPED = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/;

/**
 * The address of a socket's peer. A socket that listens on `::` has IPv4 peers too, and shows
 * `10.0.0.1` as `::ffff:10.0.0.1`; whatever the socket listens on, a peer has one address.
 *
 * @param address undefined once the socket is closed
 */
export function peerAddress(address: string | undefined): string {
  return address === undefined ? "unknown" : (MAPPED.exec(address)?.[1] ?? address);
}
