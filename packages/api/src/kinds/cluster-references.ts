/**
 * Hosts that Istio's configuration needs in a proxy, whatever its workload calls. A reference is
 * `<host>`, or `<namespace>/<host>` where the host is that of one namespace, as in MeshConfig.
 */

/** A host that proxies need, and what says so, for people. */
export interface NeededHost {
  readonly reference: string;
  readonly by: string;
}

/** Most references that count of one object: whoever writes it may write thousands. */
const MOST_REFERENCES = 1_000;

/**
 * istiod's names of clusters for outbound calls, anywhere in a text: `outbound|80|v1|b.test1.svc…`,
 * and `outbound_.80_.v1_.b.test1.svc…` as for gateways. Code of filters has them, too.
 */
const CLUSTERS = /\boutbound(?:\|\d{1,5}\|[^|"'\s]{0,63}\||_\.\d{1,5}_\.[^"'\s]{0,63}?_\.)([a-z0-9*][-a-z0-9.*]{0,252})/gi;

/** The hosts of all clusters that a value names, at whatever depth, each once. */
export function clusterReferences(value: unknown): readonly string[] {
  const found = new Set<string>();
  for (const text of textsIn(value))
    for (const [, host = ""] of text.matchAll(CLUSTERS)) {
      if (found.size >= MOST_REFERENCES) return [...found];
      found.add(host.toLowerCase().replace(/\.+$/, ""));
    }
  return [...found];
}

/** The texts of a value as JSON has it. Without recursion: others decide how deep it is. */
export function* textsIn(value: unknown): Generator<string> {
  const left: unknown[] = [value];
  while (left.length > 0) {
    const each = left.pop();
    if (typeof each === "string") yield each;
    else if (typeof each === "object" && each !== null) for (const inner of Object.values(each)) left.push(inner);
  }
}

/** `zipkin.tracing:9411`, or a URL. Names without a dot are words of any kind. */
const ADDRESS =
  /^(?:[a-z][-a-z0-9+.]{0,30}:\/\/)?(?:[^@/\s]{0,200}@)?([a-z0-9][-a-z0-9]{0,62}(?:\.[a-z0-9][-a-z0-9]{0,62})+)\.?(?::\d{1,5})?(?:\/.*)?$/i;

/** The host that an address or a URL names; undefined where it is none. */
export function hostOfAddress(text: string): string | undefined {
  return text.length > 2_000 ? undefined : ADDRESS.exec(text)?.[1]?.toLowerCase();
}
