import type { ServiceEntry } from "@fenceline/api";
import type { ObjectChange } from "@fenceline/api/vocabulary";
import { compareText } from "../byte-order.ts";
import { overlap } from "./host-pattern.ts";
import { PatternIndex } from "./pattern-index.ts";
import { isVisibleTo, type Visibility, visibilityOf } from "./visibility.ts";

/** A host of ServiceEntries of one namespace. */
export interface EntryHost {
  readonly namespace: string;
  /** In lower case. It may be a wildcard. */
  readonly host: string;
}

interface Known {
  readonly entry: ServiceEntry;
  readonly visibility: Visibility;
  readonly hosts: readonly EntryHost[];
}

/** Which hosts of ServiceEntries a namespace sees. A change costs a look at the entry that changed. */
export class ServiceEntryIndex {
  readonly #known = new Map<string, Known>();
  readonly #hosts = new PatternIndex<Known>();
  /** Those that are not for everybody, by the namespaces that see them. */
  readonly #private = new Map<string, Set<Known>>();
  /** By namespace, and under `*` for those without private ones; since the last change. */
  readonly #lists = new Map<string, readonly EntryHost[]>();
  #defaults: readonly string[] = [];

  /** @param defaults what counts for entries without `exportTo` */
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

  /** Every host that a namespace sees, each once, ordered by namespace and host. */
  visibleTo(namespace: string): readonly EntryHost[] {
    const place = this.#private.has(namespace) ? namespace : "*";
    const list = this.#lists.get(place) ?? this.#listFor(place);
    this.#lists.set(place, list);
    return list;
  }

  /** Of those that a namespace sees, the hosts that are this one, include it, or are included by it. */
  matching(host: string, namespace: string): readonly EntryHost[] {
    const seen = [...this.#hosts.matching(host)].filter(({ visibility }) => isVisibleTo(visibility, namespace));
    return distinct(seen.flatMap(({ hosts }) => hosts).filter((each) => overlap(each.host, host)));
  }

  /** Who sees an entry, whether or not it is in the index. */
  visibilityOf({ spec, metadata }: ServiceEntry): Visibility {
    return visibilityOf(spec.exportTo, metadata.namespace, this.#defaults);
  }

  #listFor(place: string): readonly EntryHost[] {
    const seen = [...this.#known.values()].filter(({ visibility }) => isVisibleTo(visibility, place));
    return distinct(seen.flatMap(({ hosts }) => hosts));
  }

  #add(key: string, entry: ServiceEntry): void {
    const { namespace } = entry.metadata;
    const hosts = entry.spec.hosts.map((host) => ({ namespace, host: host.toLowerCase() }));
    const known = { entry, visibility: this.visibilityOf(entry), hosts };
    this.#known.set(key, known);
    for (const { host } of hosts) this.#hosts.add(host, known);
    for (const each of known.visibility.namespaces) this.#private.set(each, (this.#private.get(each) ?? new Set()).add(known));
  }

  #remove(key: string, known: Known): void {
    this.#known.delete(key);
    for (const { host } of known.hosts) this.#hosts.delete(host, known);
    for (const each of known.visibility.namespaces) {
      this.#private.get(each)?.delete(known);
      if (this.#private.get(each)?.size === 0) this.#private.delete(each);
    }
  }
}

function distinct(hosts: readonly EntryHost[]): readonly EntryHost[] {
  const byName = new Map(hosts.map((each) => [`${each.namespace}/${each.host}`, each]));
  return [...byName.keys()].sort(compareText).flatMap((name) => byName.get(name) ?? []);
}
