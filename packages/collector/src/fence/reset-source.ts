import { type FenceKey, fenceKeyOf, fenceRef, formatFenceKey } from "@fenceline/api";
import type { Controller } from "@fenceline/control";
import type { EdgeBook } from "@fenceline/edges";
import type { Logger } from "pino";
import type { Mesh } from "../mesh.ts";
import { askReset, tellReset } from "./reset.ts";

/** Makes fences forget what they have learned. */
export interface ResetSource {
  /** The fences of a namespace that learn. */
  fencesIn(namespace: string): readonly FenceKey[];
  /**
   * @param host undefined for all that was learned
   * @returns whether it was accepted: not when too many resets of the fence wait for a leader
   */
  reset(fence: FenceKey, host: string | undefined): boolean;
  /** Somebody has deleted the stored state of a fence. A fence that is gone is not remembered. */
  stateDeleted(fence: FenceKey): void;
}

/** Dependencies of a {@link ResetSource}. */
export interface ResetSourceOptions {
  readonly mesh: () => Mesh;
  readonly book: EdgeBook;
  readonly runs: Pick<Controller, "enqueue">;
  readonly now: () => number;
  readonly leads: () => boolean;
  readonly logger: Logger;
}

/** Resets on any replica: the leader forgets at once, another tells the leader by the status. */
export function resetSource({ mesh, book, runs, now, leads, logger }: ResetSourceOptions): ResetSource {
  const source: ResetSource = {
    fencesIn: (namespace) =>
      mesh()
        .fencesIn(namespace)
        .map(fenceKeyOf)
        .filter((key) => book.of(key) !== undefined),
    reset(key, host) {
      const [fence, edges] = [mesh().fence(key), book.of(key)];
      // It was deleted since it was listed: there is nothing to forget.
      if (fence === undefined || edges === undefined) return true;
      const done = askReset(edges, fence, mesh().registry, host, now());
      if (done === undefined) return false;
      if (leads()) tellReset(logger, key, done);
      runs.enqueue(fenceRef(key), true);
      return true;
    },
    stateDeleted(key) {
      if (book.of(key) !== undefined) source.reset(key, undefined);
      const hosts = book.forget(key);
      if (hosts !== undefined) logger.info({ fence: formatFenceKey(key), hosts }, "what a deleted fence had learned is forgotten");
    },
  };
  return source;
}
