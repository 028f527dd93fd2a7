import { isDeepStrictEqual } from "node:util";
import { type FenceKey, fenceRef, formatFenceKey, type ObjectChange, type ObjectRef, objectOf, type Service } from "@fenceline/api";
import { ReadIndex } from "@fenceline/control";
import type { Reads } from "@fenceline/registry";

/** Every Service's labels: a fence with a label selector. */
const ALL = "*";
/** The Services that every fence shows. */
const TCP = "tcp";

/** Which fences read what of the registry, and so which of them a change of Services concerns. */
export class FenceReads {
  readonly #index = new ReadIndex();

  /** Takes note of what was read for a fence. */
  set(fence: FenceKey, reads: readonly Reads[]): void {
    const topics = new Set<string>();
    for (const { names, all, tcp } of reads) {
      for (const name of names) topics.add(name);
      if (all) topics.add(ALL);
      if (tcp) topics.add(TCP);
    }
    this.#index.set(fenceRef(fence), topics);
  }

  delete(fence: FenceKey): void {
    this.#index.delete(fenceRef(fence));
  }

  /**
   * Fences that a change of Services concerns.
   *
   * @param isTcp whether the Services that every fence shows are others than before
   */
  concernedBy(services: readonly ObjectChange<Service>[], isTcp: boolean): readonly ObjectRef[] {
    const topics = new Set<string>(isTcp ? [TCP] : []);
    for (const change of services) {
      const service = objectOf(change);
      if (service !== undefined) topics.add(formatFenceKey(service.metadata));
      if (hasOtherLabels(change)) topics.add(ALL);
    }
    return [...topics].flatMap((topic) => [...this.#index.readersOf(topic)]);
  }
}

/** A Service that comes or goes has other labels than none. */
function hasOtherLabels({ before, after }: ObjectChange<Service>): boolean {
  return before === undefined || after === undefined || !isDeepStrictEqual(before.metadata.labels, after.metadata.labels);
}
