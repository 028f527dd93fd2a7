/**
 * The namespace of a fully qualified name of the cluster: of a Service, of a pod behind one, or of
 * a pod by its address (`10-0-0-1.shop.pod.…`).
 */
export function namespaceInName(name: string, clusterDomain: string): string | undefined {
  for (const ending of [`.svc.${clusterDomain}`, `.pod.${clusterDomain}`]) {
    if (name.endsWith(ending)) return name.slice(0, -ending.length).split(".").at(-1);
  }
  return undefined;
}

/**
 * The Service of a fully qualified name, even if it names one of its pods; undefined for other
 * names.
 */
export function serviceInName(name: string, clusterDomain: string): { readonly namespace: string; readonly host: string } | undefined {
  const ending = `.svc.${clusterDomain}`;
  if (!name.endsWith(ending)) return undefined;
  const [service, namespace] = name.slice(0, -ending.length).split(".").slice(-2);
  return service === undefined || namespace === undefined ? undefined : { namespace, host: `${service}.${namespace}${ending}` };
}

/**
 * The possible fully qualified names of a host, in the order in which the resolv.conf of a pod in
 * `namespace` would try them.
 *
 * @param host lower case, without trailing dot
 * @param namespace of the caller; undefined when it is not known
 * @returns empty for a short name without a namespace to complete it; undefined for a host that is
 * not a name of the cluster. Names of two labels (`details.bookinfo`) count as names of the
 * cluster: Envoys send them here, and those that do not resolve are refused later.
 */
export function qualifiedNames(host: string, namespace: string | undefined, clusterDomain: string): readonly string[] | undefined {
  if (host.endsWith(`.svc.${clusterDomain}`)) return [host];
  if (host.endsWith(".svc")) return [`${host}.${clusterDomain}`];
  const labels = host.split(".").length;
  if (labels > 2) return undefined;
  const names: string[] = [];
  if (namespace !== undefined) names.push(`${host}.${namespace}.svc.${clusterDomain}`);
  if (labels === 2) names.push(`${host}.svc.${clusterDomain}`);
  return names;
}

/**
 * Whether a host may be outside of the cluster: not a name of one label, which only a search path
 * completes, nor one that ends like those of Services.
 *
 * @param host lower case, without trailing dot
 */
export function mayBeOutside(host: string, clusterDomain: string): boolean {
  return host.includes(".") && !host.endsWith(".svc") && !host.endsWith(`.svc.${clusterDomain}`);
}

/**
 * `web-0.web.shop` in full, as a pod's resolv.conf completes it; nothing for a host of another
 * form.
 */
export function podNamesOf(host: string, clusterDomain: string): readonly string[] {
  return host.split(".").length === 3 ? [`${host}.svc.${clusterDomain}`] : [];
}
