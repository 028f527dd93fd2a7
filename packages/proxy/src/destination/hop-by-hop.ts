/**
 * Fields that Connection must not take away. RFC 9110 §7.6.1 lets a client name any field as
 * hop-by-hop; naming one that frames, routes, authenticates or attributes a request would let it
 * strip what the hops before this one added (as in CVE-2022-1388).
 */
const PROTECTED = new Set([
  "host",
  "content-length",
  "content-type",
  "content-encoding",
  "authorization",
  "cookie",
  "via",
  "forwarded",
  "x-real-ip",
  "x-request-id",
  "traceparent",
  "tracestate",
]);
const PROTECTED_PREFIXES = ["x-forwarded-", "x-envoy-", "x-b3-"];

/**
 * Removes the fields that a Connection header names.
 *
 * @param fields flat list of names and values
 * @param connection value of Connection
 * @returns the same list when nothing is to be removed, which is nearly always
 */
export function dropNamedByConnection(fields: string[], connection: string): string[] {
  const named = namedFields(connection);
  if (named === undefined) return fields;
  const kept: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] ?? "";
    if (!named.has(name.toLowerCase())) kept.push(name, fields[i + 1] ?? "");
  }
  return kept;
}

function namedFields(connection: string): Set<string> | undefined {
  const options = connection.toLowerCase();
  if (options === "keep-alive" || options === "close") return undefined;
  const named = options
    .split(",")
    .map((option) => option.trim())
    .filter((option) => !PROTECTED.has(option) && !PROTECTED_PREFIXES.some((prefix) => option.startsWith(prefix)));
  // `te` is always named by whoever sends `TE: trailers`, which is the one value that goes on.
  return new Set(named.filter((option) => option !== "te"));
}
