import type { DestinationRule, ServiceEntry } from "@fenceline/api";
import { AUTO_ADDRESS_LABEL, compareText, type ObjectChange } from "@fenceline/api/vocabulary";
import { isHttpEntryPort } from "../port-protocol.ts";
import { fullHost, isHost, isWildcard } from "./host-pattern.ts";
import { PatternIndex } from "./pattern-index.ts";
import { isVisibleTo, type Visibility, visibilityOf } from "./visibility.ts";

/** A host of the ServiceEntries of one namespace. */
export interface EntryHost {
  readonly namespace: string;
  /** In lower case. It may be a wildcard. */
  readonly host: string;
  /**
   * Whether a call goes the same way where a fence hides the host: not through Istio, to an address
   * that the application has resolved.
   */
  readonly isLearnable: boolean;
}

/** A host of a ServiceEntry as it was called. */
export interface CalledEntry {
  readonly host: string;
  readonly port: number;
}

interface Known {
  readonly entry: ServiceEntry;
  readonly visibility: Visibility;
  readonly hosts: readonly EntryHost[];
}

/** ServiceEntries of one namespace for one host. Even thousands of them give one answer. */
interface Place {
  readonly host: string;
  /** What each ServiceEntry says of the host. */
  readonly entries: Map<Known, EntryHost>;
}

/** Which hosts of ServiceEntries a namespace sees. A change costs a look at what changed. */
export class ServiceEntryIndex {
  readonly #known = new Map<string, Known>();
  readonly #hosts = new PatternIndex<Place>();
  /** By namespace and host. */
  readonly #places = new Map<string, Place>();
  /** DestinationRules that begin TLS. */
  readonly #rules = new PatternIndex<string>();
  readonly #clusterDomain: string;
  /** Entries that are not public, by the namespaces that see them. */
  readonly #private = new Map<string, Set<Known>>();
  /** By namespace, and under `*` for those without private entries; since the last change. */
  readonly #lists = new Map<string, readonly EntryHost[]>();
  #defaults: readonly string[] = [];

  constructor(clusterDomain: string) {
    this.#clusterDomain = clusterDomain;
  }

  /** @param defaults the `exportTo` of entries that have none */
  configure(defaults: readonly string[]): void {
    const entries = [...this.#known.values()].map(({ entry }) => entry);
    for (const entry of entries) this.changed({ before: entry, after: undefined });
    this.#defaults = defaults;
    for (const entry of entries) this.changed({ before: undefined, after: entry });
  }

  changed({ before, after }: ObjectChange<ServiceEntry>): void {
    const object = after ?? before;
    if (object === undefined) return;
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    const known = this.#known.get(key);
    if (known?.entry === after) return;
    if (known !== undefined) this.#remove(key, known);
    if (after !== undefined) this.#add(key, after);
    this.#lists.clear();
  }

  /** Who sees the rule does not matter: a host may be hidden only if no rule begins TLS for it. */
  ruleChanged({ before, after }: ObjectChange<DestinationRule>): void {
    for (const rule of [before, after]) {
      if (rule?.spec.hasClientTls !== true) continue;
      const { namespace, name } = rule.metadata;
      const host = fullHost(rule.spec.host, namespace, this.#clusterDomain);
      if (rule === after) this.#rules.add(host, `${namespace}/${name}`);
      else this.#rules.delete(host, `${namespace}/${name}`);
    }
    this.#lists.clear();
  }

  /** Every host that a namespace sees, each once, ordered by namespace and host. */
  visibleTo(namespace: string): readonly EntryHost[] {
    const place = this.#private.has(namespace) ? namespace : "*";
    const list = this.#lists.get(place) ?? this.#listFor(place);
    this.#lists.set(place, list);
    return list;
  }

  /** Those of {@link visibleTo} that equal the host, include it, or are included by it. */
  matching(host: string, namespace: string): readonly EntryHost[] {
    return this.#listOf([...this.#hosts.matching(host)].flatMap(({ entries }) => seenBy(namespace, entries) ?? []));
  }

  /** Whether some ServiceEntry names the host, includes it, or is included by it. */
  has(host: string): boolean {
    return this.#hosts.matches(host);
  }

  /**
   * The host and port of a ServiceEntry that a name means. The host is the entry's own name for it,
   * which may be a wildcard.
   *
   * @param namespace the caller's. Default: any that sees it
   */
  named(host: string, port: number, namespace?: string): CalledEntry | undefined {
    const found = [...this.#hosts.including(host)].filter(({ entries }) => hasPort(entries, port, namespace)).map((place) => place.host);
    // The longest is the most specific: Envoy prefers it, too.
    const [longest] = found.sort((a, b) => Number(isWildcard(a)) - Number(isWildcard(b)) || b.length - a.length || compareText(a, b));
    return longest === undefined ? undefined : { host: longest, port };
  }

  /** Who sees an entry, whether or not it is in the index. */
  visibilityOf({ spec, metadata }: ServiceEntry): Visibility {
    return visibilityOf(spec.exportTo, metadata.namespace, this.#defaults);
  }

  #listFor(place: string): readonly EntryHost[] {
    const seen = [...this.#known.values()].filter(({ visibility }) => isVisibleTo(visibility, place));
    return this.#listOf(seen.flatMap(({ hosts }) => hosts));
  }

  /** Each host once, after all its ServiceEntries and the DestinationRules. */
  #listOf(hosts: readonly EntryHost[]): readonly EntryHost[] {
    const byName = Map.groupBy(hosts, ({ namespace, host }) => `${namespace}/${host}`);
    const names = [...byName.keys()].sort(compareText);
    return names.flatMap((name) => {
      const [first, ...others] = byName.get(name) ?? [];
      if (first === undefined) return [];
      const isLearnable = [first, ...others].every((each) => each.isLearnable) && !this.#rules.matches(first.host);
      return [isLearnable === first.isLearnable ? first : { ...first, isLearnable }];
    });
  }

  #add(key: string, entry: ServiceEntry): void {
    const { namespace } = entry.metadata;
    const named = entry.spec.hosts.map((host) => host.toLowerCase()).filter(isHost);
    const hosts = named.map((host) => ({ namespace, host, isLearnable: isLearnable(entry, host) }));
    const known = { entry, visibility: this.visibilityOf(entry), hosts };
    this.#known.set(key, known);
    for (const each of hosts) this.#addTo(`${namespace}/${each.host}`, known, each);
    for (const each of known.visibility.namespaces) this.#private.set(each, (this.#private.get(each) ?? new Set()).add(known));
  }

  #addTo(key: string, known: Known, said: EntryHost): void {
    const { host } = said;
    const place = this.#places.get(key) ?? { host, entries: new Map<Known, EntryHost>() };
    place.entries.set(known, said);
    this.#places.set(key, place);
    this.#hosts.add(host, place);
  }

  #removeFrom(key: string, known: Known): void {
    const place = this.#places.get(key);
    place?.entries.delete(known);
    if (place === undefined || place.entries.size > 0) return;
    this.#places.delete(key);
    this.#hosts.delete(place.host, place);
  }

  #remove(key: string, known: Known): void {
    this.#known.delete(key);
    for (const { namespace, host } of known.hosts) this.#removeFrom(`${namespace}/${host}`, known);
    for (const each of known.visibility.namespaces) {
      this.#private.get(each)?.delete(known);
      if (this.#private.get(each)?.size === 0) this.#private.delete(each);
    }
  }
}

/** @param namespace the caller's. Default: any that sees it */
function hasPort(entries: ReadonlyMap<Known, EntryHost>, port: number, namespace: string | undefined): boolean {
  for (const { entry, visibility } of entries.keys()) {
    const isSeen = namespace === undefined || isVisibleTo(visibility, namespace);
    if (isSeen && entry.spec.ports.some(({ number }) => number === port)) return true;
  }
  return false;
}

/** What a namespace sees of a host; undefined where it sees none of its entries. */
function seenBy(namespace: string, entries: ReadonlyMap<Known, EntryHost>): EntryHost | undefined {
  let seen: EntryHost | undefined;
  for (const [{ visibility }, said] of entries) {
    if (!isVisibleTo(visibility, namespace)) continue;
    if (!said.isLearnable) return said;
    seen ??= said;
  }
  return seen;
}

/**
 * Not where a call could not be learned, or only the proxy may know the name. istiod gives a host
 * without addresses one of its own, unless it is a wildcard or a label says otherwise, and the
 * proxy's DNS answers with it. Whether it does cannot be seen from outside.
 */
function isLearnable({ metadata, spec }: ServiceEntry, host: string): boolean {
  const hasOwnAddress = isWildcard(host) || spec.addresses.length > 0 || metadata.labels[AUTO_ADDRESS_LABEL]?.toLowerCase() === "false";
  return hasOwnAddress && spec.ports.length > 0 && spec.ports.every(isHttpEntryPort);
}
