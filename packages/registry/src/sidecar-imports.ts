import { includesHost, overlap } from "./mesh-hosts/host-pattern.ts";

/** `<namespace>/<host>` in two. */
interface Entry {
  /** `*` for any. */
  readonly namespace: string;
  /** Exact, or a wildcard with a `*` in front. */
  readonly host: string;
}

/** What one Sidecar names: it shows a host that it imports and does not exclude. */
interface Named {
  readonly imported: readonly Entry[];
  readonly excluded: readonly Entry[];
}

/** In front of the namespace of an entry that takes hosts away, since Istio 1.31. */
const EXCLUDED = "~";
const ANY = "*";

/**
 * Which hosts Sidecars show to the pods of a namespace, as istiod reads the `hosts` of an egress
 * listener (convertIstioListenerToWrapper and selectServices in pilot/pkg/model/sidecar.go). Of
 * several Sidecars a host is shown that each of them shows.
 *
 * - `*` is any namespace, `.` that of the pods: of a Sidecar in the root namespace, too
 * - `~<namespace>/<host>` takes away what other entries show, wherever it stands in the list; a
 *   bare `~` is for any namespace
 * - what is not `<namespace>/<host>` says nothing
 *
 * Istio before 1.31 knows `~/*` alone, which shows nothing there either.
 */
export class SidecarImports {
  readonly #sidecars: readonly Named[];

  /**
   * @param sidecars `hosts` of each
   * @param namespace of the pods
   */
  constructor(sidecars: readonly (readonly string[])[], namespace: string) {
    this.#sidecars = sidecars.map((hosts) => readHosts(hosts, namespace));
  }

  /** @param host exact, or the wildcard that a ServiceEntry has for a host */
  shows(namespace: string, host: string): boolean {
    return this.#sidecars.every(
      ({ imported, excluded }) =>
        imported.some((entry) => includes(entry, { namespace, host })) && !excluded.some((entry) => includes(entry, { namespace, host })),
    );
  }

  /**
   * The part of an entry of another Sidecar that these show, too, as a Sidecar names it; nothing
   * where they show nothing of it.
   *
   * Of a wildcard from which something is taken away those hosts are left that are known: Istio
   * before 1.31 refuses a Sidecar that takes something away.
   *
   * @param known hosts that there are in a namespace, or in any, which is `*`
   */
  within(egress: string, known: (namespace: string) => Iterable<Entry>): readonly string[] {
    const asked = entryOf(egress);
    if (asked === undefined) return [];
    const parts = this.#sidecars.reduce<readonly Entry[]>(
      (left, { imported }) => left.flatMap((part) => imported.flatMap((entry) => intersection(part, entry) ?? [])),
      [asked],
    );
    const excluded = this.#sidecars.flatMap((sidecar) => sidecar.excluded);
    const shown = parts
      .filter((part) => !excluded.some((entry) => includes(entry, part)))
      .flatMap((part) => {
        if (!excluded.some((entry) => meet(entry, part))) return [part];
        return [...known(part.namespace)].filter((each) => includes(part, each) && this.shows(each.namespace, each.host));
      });
    return [...new Set(shown.map(({ namespace, host }) => `${namespace}/${host}`))];
  }
}

function readHosts(hosts: readonly string[], own: string): Named {
  const imported: Entry[] = [];
  const excluded: Entry[] = [];
  for (const text of hosts) {
    const entry = entryOf(text);
    if (entry === undefined) continue;
    const isExcluded = entry.namespace.startsWith(EXCLUDED);
    const named = isExcluded ? entry.namespace.slice(EXCLUDED.length) || ANY : entry.namespace;
    (isExcluded ? excluded : imported).push({ namespace: named === "." ? own : named, host: entry.host });
  }
  return { imported, excluded };
}

function entryOf(text: string): Entry | undefined {
  const [namespace, host, ...more] = text.split("/");
  return namespace === undefined || host === undefined || more.length > 0 ? undefined : { namespace, host };
}

/** Whether everything that `inner` stands for is what `outer` stands for. */
function includes(outer: Entry, inner: Entry): boolean {
  return (outer.namespace === ANY || outer.namespace === inner.namespace) && includesHost(outer.host, inner.host);
}

/** Whether something may be what both stand for. */
function meet(one: Entry, other: Entry): boolean {
  return (one.namespace === ANY || other.namespace === ANY || one.namespace === other.namespace) && overlap(one.host, other.host);
}

/** Of two wildcards that have a host in common, one includes the other. */
function intersection(one: Entry, other: Entry): Entry | undefined {
  if (!meet(one, other)) return undefined;
  return {
    namespace: one.namespace === ANY ? other.namespace : one.namespace,
    host: includesHost(one.host, other.host) ? other.host : one.host,
  };
}
