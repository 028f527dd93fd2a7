import { isDeepStrictEqual } from "node:util";
import { ENDPOINT_SLICE, formatFenceKey, type ObjectChange, type ObjectRef, objectOf, SERVICE, type Service } from "@fenceline/api";
import { ReadIndex } from "@fenceline/control";
import { type Reads, readinessChanged, servicesOfSlice } from "@fenceline/registry";
import type { MeshChanges } from "@fenceline/store";

/** Every Service's labels: an object with a label selector. */
const ALL = "*";
/** The Services that every fence shows. */
const TCP = "tcp";
/** How many endpoints of a Service are ready. */
const endpointsOf = (service: string) => `endpoints ${service}`;

/** Which objects of a kind read what of the registry, and so which of them a change concerns. */
export class RegistryReads {
  readonly #index = new ReadIndex();

  /** Takes note of what was read for an object. */
  set(of: ObjectRef, reads: readonly Reads[]): void {
    const topics = new Set<string>();
    for (const { names, endpoints, all, tcp } of reads) {
      for (const name of names) topics.add(name);
      for (const service of endpoints) topics.add(endpointsOf(service));
      if (all) topics.add(ALL);
      if (tcp) topics.add(TCP);
    }
    this.#index.set(of, topics);
  }

  delete(of: ObjectRef): void {
    this.#index.delete(of);
  }

  /**
   * Objects that a change of Services, or of their ready endpoints, concerns.
   *
   * @param isTcp whether the Services that every fence shows are others than before. Default false
   */
  concernedBy(changes: Pick<MeshChanges, "of">, isTcp = false): readonly ObjectRef[] {
    const topics = new Set<string>(isTcp ? [TCP] : []);
    for (const change of changes.of(SERVICE)) {
      const service = objectOf(change);
      if (service !== undefined) topics.add(formatFenceKey(service.metadata));
      if (hasOtherLabels(change)) topics.add(ALL);
    }
    for (const change of changes.of(ENDPOINT_SLICE)) {
      // Slices change all the time, and few are read.
      const read = [...servicesOfSlice(change)].map(endpointsOf).filter((topic) => this.#index.isRead(topic));
      if (read.length > 0 && readinessChanged(change)) for (const topic of read) topics.add(topic);
    }
    return [...topics].flatMap((topic) => [...this.#index.readersOf(topic)]);
  }
}

/** A Service that comes or goes has other labels than none. */
function hasOtherLabels({ before, after }: ObjectChange<Service>): boolean {
  return before === undefined || after === undefined || !isDeepStrictEqual(before.metadata.labels, after.metadata.labels);
}
