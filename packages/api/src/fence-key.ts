/**
 * A fence is named by its namespace and its name; both stay apart until they are printed, so that
 * no separator can be forged.
 */
export interface FenceKey {
  readonly namespace: string;
  readonly name: string;
}

/**
 * RFC 1123 subdomain, what Kubernetes allows as an object name. Namespaces are labels, a subset of
 * it.
 */
const OBJECT_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/**
 * Access loggers rendered for a fence carry its key in their log name, so a stream names its source
 * by construction.
 */
const LOG_NAME_PREFIX = "fenceline/";

/**
 * Log name of the global sidecar's own reports: the source stands in each entry's `fence-source`
 * request header.
 */
export const FALLBACK_LOG_NAME = "fenceline-fallback";

/**
 * Custom tag of an access-log entry that stands for several requests: the fallback sums up what it
 * saw within one batch.
 */
export const REQUESTS_TAG = "fenceline.requests";

/** Names an object that is a fence, or that a fence of its name may come for. */
export function fenceKeyOf({ metadata }: { readonly metadata: FenceKey }): FenceKey {
  return { namespace: metadata.namespace, name: metadata.name };
}

/** `namespace/name` */
export function formatFenceKey(key: FenceKey): string {
  return `${key.namespace}/${key.name}`;
}

/**
 * The inverse of {@link formatFenceKey}; undefined when the text is not exactly
 * `<namespace>/<name>`.
 */
export function parseFenceKey(text: string): FenceKey | undefined {
  const slash = text.indexOf("/");
  const namespace = text.slice(0, slash);
  const name = text.slice(slash + 1);
  if (slash < 1 || !OBJECT_NAME.test(namespace) || namespace.includes(".") || !OBJECT_NAME.test(name)) return undefined;
  return { namespace, name };
}

/** `fenceline/<namespace>/<name>` */
export function fenceLogName(key: FenceKey): string {
  return LOG_NAME_PREFIX + formatFenceKey(key);
}

/** The fence whose access logger wrote under this log name; undefined for anybody else's. */
export function parseFenceLogName(logName: string): FenceKey | undefined {
  return logName.startsWith(LOG_NAME_PREFIX) ? parseFenceKey(logName.slice(LOG_NAME_PREFIX.length)) : undefined;
}
