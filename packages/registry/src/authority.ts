import { isIPv4, isIPv6, SocketAddress } from "node:net";

/** The host and port of a request, in the one form in which they are compared everywhere. */
export interface Authority {
  /**
   * Lower case, without a trailing dot; an IPv6 address in its canonical form, without brackets.
   */
  readonly host: string;
  /** Undefined when the authority names none. */
  readonly port: number | undefined;
  readonly kind: "name" | "ipv4" | "ipv6";
}

/**
 * Letters, digits, `-` and `_` in labels of at most 63. `_` is no host-name character, but Docker
 * and SRV names use it, and Envoy routes it.
 */
const NAME = /^(?!.{254})[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/i;
const BRACKETED = /^\[([0-9a-fA-F:.]+)\](?::(.*))?$/;
/**
 * What a lenient IPv4 parser (`inet_aton`) takes for an address: `127.1`, `0x7f.1`, `017700000001`.
 * Such a "name" must never reach a resolver.
 */
const LENIENT_IPV4 = /^(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+))*$/;

/**
 * Parses a Host header or `:authority` (RFC 9110 §7.2, RFC 3986 §3.2 without user information).
 *
 * @returns undefined for anything but a host with an optional port from 1 to 65535. It never
 * guesses: where two parsers read a host differently, requests get past a policy
 */
export function parseAuthority(text: string): Authority | undefined {
  const bracketed = BRACKETED.exec(text);
  if (bracketed !== null) return withPort(bracketed[1] ?? "", bracketed[2], "ipv6");
  const colon = text.indexOf(":");
  if (colon === -1) return withPort(text, undefined, "name");
  return withPort(text.slice(0, colon), text.slice(colon + 1), "name");
}

function withPort(rawHost: string, rawPort: string | undefined, expected: "name" | "ipv6"): Authority | undefined {
  const port = rawPort === undefined ? undefined : parsePort(rawPort);
  if (port === null) return undefined;
  const lower = rawHost.toLowerCase();
  if (expected === "ipv6") return isIPv6(lower) ? { host: canonicalAddress(lower), port, kind: "ipv6" } : undefined;
  if (isIPv4(lower)) return { host: lower, port, kind: "ipv4" };
  // Not of the lower case: that of the Kelvin sign is `k`, so it would pass for a name.
  const isName = NAME.test(rawHost.endsWith(".") ? rawHost.slice(0, -1) : rawHost);
  const host = lower.endsWith(".") ? lower.slice(0, -1) : lower;
  return isName && !LENIENT_IPV4.test(host) ? { host, port, kind: "name" } : undefined;
}

/**
 * An IP address in its canonical form (RFC 5952 §4), so that two spellings of one address compare
 * equal. IPv4 has one spelling.
 */
export function canonicalAddress(address: string): string {
  return address.includes(":") && isIPv6(address) ? new SocketAddress({ address, family: "ipv6" }).address : address;
}

/** An IPv4 address, alone or as an IPv6 address has it behind `::ffff:`. */
const LOOSE_IPV4 = /^(?:::ffff:)?(\d{1,9}(?:\.\d{1,9}){3})$/i;

/**
 * An address of a Kubernetes object in its canonical form.
 *
 * API servers before the feature StrictIPCIDRValidation take `010.96.0.1`, whose octets are
 * decimal, and `::ffff:10.96.0.1` for `10.96.0.1`, keep them as they are written, and kube-proxy
 * reads them so. Under another spelling the address would not be known when somebody calls it.
 */
export function objectAddress(text: string): string {
  if (isIPv4(text)) return text;
  const address = canonicalAddress(text);
  const [, loose] = LOOSE_IPV4.exec(address) ?? [];
  const plain = loose?.split(".").map(Number).join(".");
  return plain !== undefined && isIPv4(plain) ? plain : address;
}

/**
 * Null for what is not a port. RFC 3986 §3.2.3 allows an empty port (`host:`), which means none.
 */
function parsePort(text: string): number | undefined | null {
  if (text === "") return undefined;
  if (!/^\d{1,5}$/.test(text)) return null;
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : null;
}
