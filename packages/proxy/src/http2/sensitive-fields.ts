import { type IncomingHttpHeaders, sensitiveHeaders } from "node:http2";

/** Names of the fields that their sender wants in no compression table, because their values could be guessed from its state (RFC 7541 §7.1.3). */
export function sensitiveNames(fields: IncomingHttpHeaders): readonly string[] {
  // Node puts them there under a symbol that its types know only of the headers that are sent.
  const names: unknown = Reflect.get(fields, sensitiveHeaders);
  return Array.isArray(names) ? names : [];
}

/** The same flat list, marked so that these fields stay out of the next connection's compression table, too. */
export function keepSensitive(fields: readonly string[], names: readonly string[]): readonly string[] {
  return names.length === 0 ? fields : Object.assign([...fields], { [sensitiveHeaders]: names });
}
