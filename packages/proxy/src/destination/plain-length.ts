const ZERO = 48;

/**
 * A Content-Length as it is forwarded. The grammar (RFC 9110 §8.6) allows leading zeros, but a
 * reader that takes those for octal sees another end of the body than we do: for it `010` is eight.
 * Envoy forwards them.
 *
 * @param value digits only
 */
export function plainLength(value: string): string {
  if (value.length === 1 || value.charCodeAt(0) !== ZERO) return value;
  return value.replace(/^0+(?=\d)/, "");
}
