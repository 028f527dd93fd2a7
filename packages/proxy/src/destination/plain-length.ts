const ZERO = 48;

/**
 * A Content-Length as it goes on. The grammar (RFC 9110 §8.6) allows zeros in front of a number,
 * but a reader that takes those for octal sees another end of the body than we do: `010` is eight
 * to it. Envoy passes them on.
 *
 * @param value digits only
 */
export function plainLength(value: string): string {
  if (value.length === 1 || value.charCodeAt(0) !== ZERO) return value;
  return value.replace(/^0+(?=\d)/, "");
}
