import type { FenceKey } from "@fenceline/api";
import type { EdgeBook, FenceEdges, Sighting, SightingOutcome, SightingSink } from "@fenceline/edges";

/** Dependencies of a {@link Learner}, and whom it tells. */
export interface LearnerOptions {
  readonly book: EdgeBook;
  /** A fence has a new host. */
  readonly onLearned: (fence: FenceKey, host: string) => void;
  /** A host made room for the one that was sighted. */
  readonly onEvicted?: ((host: string, by: Sighting) => void) | undefined;
  /** A fence has no room for a host that its workload called. */
  readonly onTurnedAway?: (fence: FenceKey, host: string) => void;
  /** Whether a fence's pods must not see a host. Default: they may see any. */
  readonly isHidden?: ((fence: FenceKey, host: string) => boolean) | undefined;
  /** A workload called a host that it must not see. */
  readonly onHidden?: (fence: FenceKey, host: string) => void;
  /** Whether policies refuse every call of a fence's pods to a host. Default: they refuse none. */
  readonly isDenied?: ((fence: FenceKey, host: string) => boolean) | undefined;
  /** A workload called a host to which policies refuse all its calls. */
  readonly onDenied?: (fence: FenceKey, host: string) => void;
  /**
   * The wildcards (`<namespace>/*`, `*.<domain>`) that stand for a host that a fence's workload
   * called. Default: none does.
   */
  readonly wildcardsFor?: ((fence: FenceKey, called: string) => readonly string[]) | undefined;
  /** The first telemetry of a workload's own proxies has arrived. */
  readonly onTelemetry: (fence: FenceKey) => void;
}

/** Puts what sources of telemetry report into the book of edges. */
export class Learner implements SightingSink {
  readonly #options: LearnerOptions;

  constructor(options: LearnerOptions) {
    this.#options = options;
  }

  learns(fence: FenceKey): boolean {
    return this.#options.book.of(fence) !== undefined;
  }

  observed(fence: FenceKey, at: number, now = at): void {
    const edges = this.#options.book.of(fence);
    if (edges === undefined) return;
    const isFirst = edges.observedUntil === undefined;
    edges.telemetry(at, now);
    if (isFirst) this.#options.onTelemetry(fence);
  }

  sighted(sighting: Sighting): SightingOutcome {
    const edges = this.#options.book.of(sighting.fence);
    if (edges === undefined) return "unknown_fence";
    const outcome = this.#taken(edges, sighting);
    const isKept = edges.byUse.hasWildcards && this.#wildcardsUsed(edges, sighting, outcome);
    return outcome === "not_kept" && isKept ? "seen" : outcome;
  }

  #taken(edges: FenceEdges, sighting: Sighting): SightingOutcome {
    const { fence, host, denied = false, keepsOnly = false, declaredOnly = false } = sighting;
    if (declaredOnly && !edges.byUse.isByUse(host)) return "not_kept";
    if ((denied || keepsOnly) && !edges.has(host)) return denied ? "denied" : "not_kept";
    if (!edges.has(host) && this.#options.isHidden?.(fence, host) === true) {
      this.#options.onHidden?.(fence, host);
      return "hidden";
    }
    if (!edges.has(host) && this.#options.isDenied?.(fence, host) === true) {
      this.#options.onDenied?.(fence, host);
      return "denied_by_policy";
    }
    return this.#observe(edges, sighting);
  }

  /**
   * A wildcard that ages by use is in use when a host for which it stands is called. One that has
   * aged out comes back with a call that would teach a host.
   *
   * @returns whether one is in the fence
   */
  #wildcardsUsed(edges: FenceEdges, sighting: Sighting, outcome: SightingOutcome): boolean {
    const { fence, host, keepsOnly = false, declaredOnly = false } = sighting;
    const teaches = outcome === "seen" || outcome === "at_capacity" || (declaredOnly && !keepsOnly);
    const wildcards = this.#options.wildcardsFor?.(fence, host) ?? [];
    const used = wildcards.filter((wildcard) => {
      return wildcard !== host && edges.byUse.isByUse(wildcard) && (edges.has(wildcard) || (teaches && !keepsOnly));
    });
    for (const wildcard of used) this.#observe(edges, { ...sighting, host: wildcard });
    return used.length > 0;
  }

  #observe(edges: FenceEdges, sighting: Sighting): SightingOutcome {
    const { fence, host, port, requests, at } = sighting;
    const { size } = edges;
    if (edges.observe(host, port, requests, at)) {
      this.#options.onLearned(fence, host);
      if (edges.size === size) this.#options.onEvicted?.(edges.lastEvicted ?? "", sighting);
      return "seen";
    }
    if (edges.has(host)) return "seen";
    this.#options.onTurnedAway?.(fence, host);
    return "at_capacity";
  }
}
