/**
 * A field name of RFC 9110 section 5.1, or one of HTTP/2 with a colon. Without `%`, which RFC 9110
 * allows: names are used in format strings of Envoy.
 */
const HEADER_NAME = /^:?[-!#$&'*+.^_`|~0-9A-Za-z]+$/;

/** Headers of an answer that Envoy lets nobody set: it rejects the whole configuration. */
const NEVER_ADDED = /^(?::.*|host)$/i;

/** Characters that no header value may have. */
const NO_VALUE = /[\0\r\n]/;

/** Whether a request can have this header. */
export function isHeaderName(name: string): boolean {
  return HEADER_NAME.test(name);
}

/** What is wrong with a header for an answer; undefined where nothing is. */
export function addedHeaderFault({ key, value }: { readonly key: string; readonly value: string }): string | undefined {
  if (!isHeaderName(key)) return `headersToAdd: ${JSON.stringify(key)} is no name of a header`;
  if (NEVER_ADDED.test(key)) return `headersToAdd: Envoy sets ${JSON.stringify(key)} itself`;
  return NO_VALUE.test(value) ? `headersToAdd: the value of ${JSON.stringify(key)} has a line end` : undefined;
}

/** A literal value: Envoy takes `%` for the beginning of a command. */
export function literalValue(value: string): string {
  return value.replaceAll("%", "%%");
}
