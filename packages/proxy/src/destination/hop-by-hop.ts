/**
 * Hop-by-hop fields that are dropped from requests and answers, even where Connection does not name
 * them (RFC 9110 §7.6.1). A server may ignore Upgrade (§7.8); `http2-settings` belongs to `Upgrade:
 * h2c`.
 */
export const DROPPED_FIELDS = [
  "upgrade",
  "http2-settings",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
] as const;

/** The value of a repeated field (RFC 9110 §5.3). */
export function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}

/**
 * Removes the fields that a Connection header names.
 *
 * @param fields flat list of names and values
 * @param connection value of Connection; undefined where there is none
 * @param isProtected whether a field stays although it is named. Called with lower case
 * @returns the same list when nothing is to be removed, which is nearly always
 */
export function dropNamedByConnection(fields: string[], connection: string | undefined, isProtected: (name: string) => boolean): string[] {
  const options = connection?.toLowerCase();
  if (options === undefined || options === "keep-alive" || options === "close") return fields;
  const named = options.split(",").map((option) => option.trim());
  return without(fields, new Set(named.filter((name) => !isProtected(name))));
}

/** The fields without those with some names, in lower case. */
export function without(fields: readonly string[], unwanted: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] ?? "";
    if (!unwanted.has(name.toLowerCase())) kept.push(name, fields[i + 1] ?? "");
  }
  return kept;
}
