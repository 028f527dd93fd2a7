import { includesHost, overlap } from "./mesh-hosts/host-pattern.ts";

/** The two parts of `<namespace>/<host>`. */
interface Entry {
  /** `*` for any. */
  readonly namespace: string;
  /** Exact, or a wildcard that begins with `*`. */
  readonly host: string;
}

/** The entries of one Sidecar: it shows a host that it imports and does not exclude. */
interface Named {
  readonly imported: readonly Entry[];
  readonly excluded: readonly Entry[];
}

/** Prefix of the namespace in an entry that excludes hosts, since Istio 1.31. */
const EXCLUDED = "~";
const ANY = "*";

/**
 * Which hosts Sidecars show to the pods of a namespace, as istiod reads the `hosts` of an egress
 * listener (convertIstioListenerToWrapper and selectServices in pilot/pkg/model/sidecar.go). With
 * several Sidecars, a host counts as shown if each of them shows it.
 *
 * - `*` is any namespace. `.` is that of the pods, even in a Sidecar of the root namespace
 * - `~<namespace>/<host>` excludes what other entries show, wherever it is in the list; a bare `~`
 *   is for any namespace
 * - what is not `<namespace>/<host>` has no effect
 *
 * Istio before 1.31 knows only `~/*`, which shows nothing there either.
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
   * The part of another Sidecar's entry that these Sidecars show too, in a Sidecar's notation;
   * nothing where they show none of it.
   *
   * If something is excluded from a wildcard, the result names the known hosts that are left: Istio
   * before 1.31 refuses a Sidecar with exclusions.
   *
   * @param known hosts that exist in a namespace, or in any, which is `*`
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

/** Whether `outer` includes everything that `inner` stands for. */
function includes(outer: Entry, inner: Entry): boolean {
  return (outer.namespace === ANY || outer.namespace === inner.namespace) && includesHost(outer.host, inner.host);
}

/** Whether both may stand for the same host. */
function meet(one: Entry, other: Entry): boolean {
  return (one.namespace === ANY || other.namespace === ANY || one.namespace === other.namespace) && overlap(one.host, other.host);
}

/** If two wildcards have a host in common, one includes the other. */
function intersection(one: Entry, other: Entry): Entry | undefined {
  if (!meet(one, other)) return undefined;
  return {
    namespace: one.namespace === ANY ? other.namespace : one.namespace,
    host: includesHost(one.host, other.host) ? other.host : one.host,
  };
}
