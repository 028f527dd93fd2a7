import { isDeepStrictEqual } from "node:util";
import { ENDPOINT_SLICE, formatFenceKey, type ObjectChange, type ObjectRef, objectOf, SERVICE, type Service } from "@fenceline/api";
import { ReadIndex } from "@fenceline/control";
import { type HostReads, isWildcard, overlap, type Reads, readinessChanged, selectedLabel, servicesOfSlice } from "@fenceline/registry";
import type { MeshChanges } from "@fenceline/store";
import type { TouchedHosts } from "./touched-hosts.ts";

/** The labels of every Service: an object with a label selector reads them. */
const ALL = "*";
/** The Services that every fence shows. */
const TCP = "tcp";
/** A Service whose pods have this label. */
const selectedBy = (label: string) => `selected ${label}`;
/** How many endpoints of a Service are ready. */
const endpointsOf = (service: string) => `endpoints ${service}`;

/** Hosts that every fence of a namespace shows; `*` stands for all namespaces. */
const sharedIn = (namespace: string) => `shared ${namespace}`;

/** What changed beside the objects that were read by name. */
export interface ChangedBeside {
  /** Whether the Services that every fence shows have changed. Default false. */
  readonly isTcp?: boolean;
  /** Hosts of ServiceEntries and VirtualServices that changed. Default: none. */
  readonly hosts?: readonly TouchedHosts[];
}

/** Records which objects of a kind read what of the registry, and tells whom a change concerns. */
export class RegistryReads {
  readonly #index = new ReadIndex();
  /** By host. */
  readonly #hosts = new ReadIndex();

  /**
   * Records what was read for an object.
   *
   * @param hosts what it read of ServiceEntries and VirtualServices. Default: nothing
   */
  set(of: ObjectRef, reads: readonly Reads[], hosts: HostReads = NO_HOSTS): void {
    const topics = new Set<string>();
    for (const { names, endpoints, labels, all, tcp } of reads) {
      for (const name of names) topics.add(name);
      for (const label of labels) topics.add(selectedBy(label));
      for (const service of endpoints) topics.add(endpointsOf(service));
      if (all) topics.add(ALL);
      if (tcp) topics.add(TCP);
    }
    if (hosts.namespaces.size > 0) for (const namespace of ["*", ...hosts.namespaces]) topics.add(sharedIn(namespace));
    this.#index.set(of, topics);
    this.#hosts.set(of, hosts.hosts);
  }

  delete(of: ObjectRef): void {
    this.#index.delete(of);
    this.#hosts.delete(of);
  }

  /** Objects that have read something that changed. */
  concernedBy(changes: Pick<MeshChanges, "of">, { isTcp = false, hosts = [] }: ChangedBeside = {}): readonly ObjectRef[] {
    const topics = new Set([...(isTcp ? [TCP] : []), ...serviceTopics(changes), ...this.#endpointTopics(changes), ...sharedTopics(hosts)]);
    return [...[...topics].flatMap((topic) => [...this.#index.readersOf(topic)]), ...this.#readersOf(hosts)];
  }

  /** Slices change all the time, and few are read. */
  *#endpointTopics(changes: Pick<MeshChanges, "of">): Generator<string> {
    for (const change of changes.of(ENDPOINT_SLICE)) {
      const read = [...servicesOfSlice(change)].map(endpointsOf).filter((topic) => this.#index.isRead(topic));
      if (read.length > 0 && readinessChanged(change)) yield* read;
    }
  }

  /** A wildcard is compared with every host that was read: few are written, and rarely. */
  *#readersOf(touched: readonly TouchedHosts[]): Generator<ObjectRef> {
    for (const host of new Set(touched.flatMap(({ hosts }) => hosts))) {
      const read = isWildcard(host) ? [...this.#hosts.topics()].filter((topic) => overlap(topic, host)) : [host, ...wildcardsOf(host)];
      for (const topic of read) yield* this.#hosts.readersOf(topic);
    }
  }
}

const NO_HOSTS: HostReads = { hosts: new Set(), namespaces: new Set() };

function* serviceTopics(changes: Pick<MeshChanges, "of">): Generator<string> {
  for (const change of changes.of(SERVICE)) {
    const service = objectOf(change);
    if (service !== undefined) yield formatFenceKey(service.metadata);
    if (hasOtherLabels(change)) yield ALL;
    yield* selectorTopics(change);
  }
}

/** Topics of a Service that selects other pods than before. */
function* selectorTopics({ before, after }: ObjectChange<Service>): Generator<string> {
  if (isDeepStrictEqual(before?.spec.selector, after?.spec.selector)) return;
  for (const service of [before, after]) {
    const label = service && selectedLabel(service);
    if (label !== undefined) yield selectedBy(label);
  }
}

function* sharedTopics(touched: readonly TouchedHosts[]): Generator<string> {
  for (const { visibility, isShared } of touched)
    if (isShared) for (const namespace of visibility.isPublic ? ["*"] : visibility.namespaces) yield sharedIn(namespace);
}

/** The wildcards that include a host, the widest last: `*.b.c` and `*.c` of `a.b.c`, and `*`. */
function* wildcardsOf(host: string): Generator<string> {
  for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) yield `*${host.slice(dot)}`;
  yield "*";
}

/** For a Service that comes or goes the other side has no labels. */
function hasOtherLabels({ before, after }: ObjectChange<Service>): boolean {
  return before === undefined || after === undefined || !isDeepStrictEqual(before.metadata.labels, after.metadata.labels);
}
