import { DESTINATION_RULE, type ObjectRef, objectOf, refOf, SERVICE_ENTRY, SMART_LIMITER, type SmartLimiter } from "@fenceline/api";
import { ReadIndex } from "@fenceline/control";
import type { Registry } from "@fenceline/registry";
import type { MeshChanges, MeshSnapshot } from "@fenceline/store";
import { RegistryReads } from "../registry-reads.ts";
import { entryTopicsOf, HostEntries } from "./host-entries.ts";
import { LimitedNamespace } from "./limited-namespace.ts";
import type { LimiterPods } from "./limiter-pods.ts";
import { SubsetRules, topicsOf } from "./subset-rules.ts";

/**
 * The limiters of the mesh by namespace. What a change affects is found by what limiters read,
 * without a look at all limiters, Services or DestinationRules.
 */
export class LimitedNamespaces {
  readonly #registry: () => Registry;
  readonly #namespaces = new Map<string, LimitedNamespace>();
  readonly #rules: SubsetRules;
  readonly #entries: HostEntries;
  readonly #reads = new RegistryReads();
  /** Which limiters read which DestinationRules and ServiceEntries. */
  readonly #objectReads = new ReadIndex();

  /** @param labelKeys see {@link HostEntries} */
  constructor(snapshot: Pick<MeshSnapshot, "of">, registry: () => Registry, labelKeys: readonly string[]) {
    this.#registry = registry;
    this.#rules = new SubsetRules(registry().clusterDomain);
    this.#entries = new HostEntries(labelKeys);
    for (const rule of snapshot.of(DESTINATION_RULE)) this.#rules.changed({ before: undefined, after: rule });
    for (const entry of snapshot.of(SERVICE_ENTRY)) this.#entries.changed({ before: undefined, after: entry });
    const limiters = Map.groupBy(snapshot.of(SMART_LIMITER), ({ metadata }) => metadata.namespace);
    for (const [namespace, list] of limiters)
      this.#namespace(namespace).apply({ limiters: new Map(list.map((limiter) => [limiter.metadata.name, limiter])), readers: [] });
  }

  /** Undefined for a namespace without limiters. */
  of(namespace: string): LimitedNamespace | undefined {
    return this.#namespaces.get(namespace);
  }

  /**
   * Takes over what changed.
   *
   * @returns limiters that ask, or may ask, for something else than before; also those whose rules
   * share an EnvoyFilter with an affected limiter
   */
  apply(changes: Pick<MeshChanges, "of">): readonly ObjectRef[] {
    const [rules, entries] = [changes.of(DESTINATION_RULE), changes.of(SERVICE_ENTRY)];
    for (const change of rules) this.#rules.changed(change);
    for (const change of entries) this.#entries.changed(change);
    const topics = [...rules.map((change) => this.#rules.topicsOf(change)), ...entries.map((change) => this.#entries.topicsOf(change))];
    const readers = Map.groupBy([...this.#reads.concernedBy(changes), ...this.#objectReaders(topics)], ({ namespace }) => namespace);
    const limiters = Map.groupBy(changes.of(SMART_LIMITER), (change) => objectOf(change)?.metadata.namespace ?? "");
    return [...new Set([...readers.keys(), ...limiters.keys()])].flatMap((namespace) => {
      const changed = (limiters.get(namespace) ?? []).map((change) => [objectOf(change)?.metadata.name ?? "", change.after] as const);
      const read = (readers.get(namespace) ?? []).map(({ name }) => name);
      const known = this.#namespace(namespace);
      const concerned = known.apply({ limiters: new Map(changed), readers: read });
      if (known.isEmpty) this.#namespaces.delete(namespace);
      return [...concerned].map((name) => ({ kind: SMART_LIMITER.name, namespace, name }));
    });
  }

  #namespace(namespace: string): LimitedNamespace {
    const known =
      this.#namespaces.get(namespace) ??
      new LimitedNamespace({
        sources: { rules: this.#rules, entries: this.#entries },
        registry: this.#registry,
        onLooked: (limiter, pods) => this.#looked(limiter, pods),
      });
    this.#namespaces.set(namespace, known);
    return known;
  }

  #looked(limiter: SmartLimiter, pods: LimiterPods | undefined): void {
    const of = refOf(SMART_LIMITER.name, limiter);
    if (pods === undefined) {
      this.#reads.delete(of);
      this.#objectReads.delete(of);
    } else {
      this.#reads.set(of, [pods.reads]);
      this.#objectReads.set(of, new Set([...topicsOf(limiter), ...entryTopicsOf(limiter)]));
    }
  }

  *#objectReaders(changed: readonly ReadonlySet<string>[]): Generator<ObjectRef> {
    for (const topics of changed) for (const topic of topics) yield* this.#objectReads.readersOf(topic);
  }
}
