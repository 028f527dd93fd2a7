const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const HOST = new RegExp(`^(?:${LABEL}|\\*(?:-?${LABEL})?)(?:\\.${LABEL})*\\.?$`);
const NUMERIC_END = /(?:^|\.)[0-9]+\.?$/;
const LONGEST = 255;

/**
 * Whether istiod accepts the text as a host, in lower case (ValidateWildcardDomain). Its webhook
 * refuses a whole Sidecar with an invalid host. It does not check everything that names hosts: a
 * route of the Gateway API may have any text.
 */
export function isHost(text: string): boolean {
  return text.length <= LONGEST && HOST.test(text) && !NUMERIC_END.test(text);
}

/**
 * Hosts as Istio compares them: exact names, and wildcards that begin with `*`, which stands for
 * any beginning (pkg/config/host/name.go). A wildcard does not include the name without a
 * beginning.
 */
export function isWildcard(host: string): boolean {
  return host.startsWith("*");
}

/** Whether `outer` includes every host that `inner` stands for. */
export function includesHost(outer: string, inner: string): boolean {
  if (!isWildcard(outer)) return outer === inner;
  return isWildcard(inner) ? inner.slice(1).endsWith(outer.slice(1)) : inner.endsWith(outer.slice(1));
}

/** Whether one of them includes the other. */
export function overlap(one: string, other: string): boolean {
  return includesHost(one, other) || includesHost(other, one);
}

/**
 * The host that an object of `namespace` means: a name without a dot is a Service of its own
 * namespace (ResolveShortnameToFQDN).
 */
export function fullHost(host: string, namespace: string, clusterDomain: string): string {
  const lower = host.toLowerCase();
  return lower === "*" || lower.includes(".") || lower.includes(":") ? lower : `${lower}.${namespace}.svc.${clusterDomain}`;
}
