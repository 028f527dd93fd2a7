/** The admin interface of Istio's Envoys, within a pod: of one with IPv6 alone, by the second. */
const SERVER_INFO = ["http://127.0.0.1:15000/server_info", "http://[::1]:15000/server_info"];
/** Longest wait for the answer, in milliseconds. It comes from the same pod. */
const ANSWER_TIMEOUT = 2_000;

/**
 * Istio's version of the proxy in our own pod; undefined when none answers.
 *
 * Proxies of the mesh tell their version with their first access log. Until then ours stands for
 * them, since the same control plane injected it. Without any version the first fence of a mesh
 * would not have the on_demand filter, and lose requests in its first switch-overs.
 *
 * @param urls of Envoy's `/server_info`, asked in turn
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-v3/admin/v3/server_info.proto
 */
export async function ownProxyVersion(urls: readonly string[] = SERVER_INFO): Promise<string | undefined> {
  for (const url of urls) {
    const version = await versionTold(url);
    if (version !== undefined) return version;
  }
  return undefined;
}

async function versionTold(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_TIMEOUT) });
    const { node } = (await response.json()) as { node?: { metadata?: { ISTIO_VERSION?: unknown } } };
    const version = node?.metadata?.ISTIO_VERSION;
    return typeof version === "string" && version !== "" ? version : undefined;
  } catch {
    return undefined;
  }
}
