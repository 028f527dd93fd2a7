import { type FenceKey, formatFenceKey, type ServiceFence } from "@fenceline/api";

/** Tries for the history of a fence. One that is too much for Prometheus is given up. */
const MOST_TRIES = 3;

/**
 * Fences that have not yet got what Prometheus saw before they were made.
 *
 * Fences that were observed before this process began to ask are not new: hosts that they lack have
 * aged out.
 */
export class NewFences {
  /** Tries that are left, by fence; 0 for those that are done. */
  #tries: Map<string, number> | undefined;

  /** The new ones among the existing fences. */
  of(fences: readonly ServiceFence[]): readonly FenceKey[] {
    const before = this.#tries;
    const triesOf = ({ metadata, status }: ServiceFence) =>
      before === undefined ? (status.observedUntil === undefined ? MOST_TRIES : 0) : (before.get(formatFenceKey(metadata)) ?? MOST_TRIES);
    // Fences that are gone are forgotten, and are new when they are made again.
    this.#tries = new Map(fences.map((fence) => [formatFenceKey(fence.metadata), triesOf(fence)]));
    return fences.flatMap(({ metadata: { namespace, name } }) =>
      this.#tries?.get(formatFenceKey({ namespace, name })) === 0 ? [] : [{ namespace, name }],
    );
  }

  done(fences: readonly FenceKey[]): void {
    for (const fence of fences) this.#tries?.set(formatFenceKey(fence), 0);
  }

  failed(fences: readonly FenceKey[]): void {
    for (const fence of fences) {
      const name = formatFenceKey(fence);
      this.#tries?.set(name, Math.max(0, (this.#tries.get(name) ?? 0) - 1));
    }
  }

  /** Another replica asks from now on. */
  forget(): void {
    this.#tries = undefined;
  }
}
