import { LRUCache } from "lru-cache";

const SPIFFE_NAMESPACE = /^spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/[^/]+$/;
/** Distinct header values remembered; there is one per caller's certificate. */
const MAX_REMEMBERED = 1_000;

/**
 * The namespace of the SPIFFE identity in an `x-forwarded-client-cert` header; undefined when it names none.
 *
 * Elements are separated by commas, oldest hop first; the last one was written by the Envoy in front of us about its own TLS peer.
 * Earlier ones came with the request and prove nothing. Values may be quoted, and hold commas and semicolons then.
 */
export function certifiedNamespace(header: string): string | undefined {
  const last = splitUnquoted(header, ",").at(-1) ?? "";
  const identities = splitUnquoted(last, ";").flatMap((pair) => {
    const equals = pair.indexOf("=");
    return pair.slice(0, equals).trim().toLowerCase() === "uri"
      ? [
          pair
            .slice(equals + 1)
            .trim()
            .replace(/^"(.*)"$/, "$1"),
        ]
      : [];
  });
  for (const identity of identities) {
    const namespace = SPIFFE_NAMESPACE.exec(identity)?.[1];
    if (namespace !== undefined) return namespace;
  }
  return undefined;
}

/** {@link certifiedNamespace} with a bounded memory: the header is long, and the same for every request of a caller. */
export function rememberCertifiedNamespaces(): (header: string) => string | undefined {
  const remembered = new LRUCache<string, { readonly namespace: string | undefined }>({ max: MAX_REMEMBERED });
  return (header) => {
    let known = remembered.get(header);
    if (known === undefined) {
      known = { namespace: certifiedNamespace(header) };
      remembered.set(header, known);
    }
    return known.namespace;
  };
}

function splitUnquoted(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i];
    if (character === "\\" && quoted) i += 1;
    else if (character === '"') quoted = !quoted;
    else if (character === separator && !quoted) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
