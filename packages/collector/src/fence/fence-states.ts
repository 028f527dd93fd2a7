import {
  type Config,
  type FenceKey,
  fenceKeyOf,
  fenceRef,
  formatFenceKey,
  SERVICE_FENCE,
  type ServiceFence,
  shortenedList,
  type ToldLineBudget,
  warmUpMark,
  windowRemarks,
} from "@fenceline/api";
import type { EdgeBook, FenceEdges } from "@fenceline/edges";
import { RecordedLookup, type ServiceLookup } from "@fenceline/registry";
import type { Store } from "@fenceline/store";
import type { Logger } from "pino";
import type { Mesh } from "../mesh.ts";
import { toldLines } from "../told-lines.ts";
import { seedAutoHosts } from "./auto-hosts.ts";
import { type FenceState, newState } from "./fence-state.ts";
import { type ResetDone, resetsAsked, tellReset } from "./reset.ts";
import { differsInSubstance, withJudgementOf } from "./status.ts";
import { ageingPolicy, mergeStatus, takeOver } from "./take-over.ts";
import { takeOverRendered } from "./take-over-rendered.ts";
import { warmUp } from "./warm-up.ts";

/** What {@link FenceStates} works with. */
export interface FenceStatesOptions {
  readonly store: Pick<Store, "objectOf" | "ownedBy" | "sidecars" | "states">;
  readonly book: EdgeBook;
  readonly mesh: () => Mesh;
  readonly config: Config;
  readonly logger: Logger;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
  readonly leads: () => boolean;
  /** A fence has its page in the book. Default: ignored. */
  readonly onOpened?: (fence: ServiceFence) => void;
  /** A fence has no room for a host. */
  readonly onTurnedAway: (fence: FenceKey, host: string) => void;
}

/**
 * For so many milliseconds an addition of another replica to a Sidecar counts. The clocks of two
 * nodes should differ by less.
 */
const WIDENING_COUNTS = 60_000;
const OUT_OF_RANGE = "durations out of range";

/** What is kept about each fence between two runs, and its page in the book of edges. */
export class FenceStates {
  readonly #options: FenceStatesOptions;
  readonly #states = new Map<string, FenceState>();
  /** Lines are limited by namespace: a fence may be changed all the time. */
  readonly #lines: ToldLineBudget;

  constructor(options: FenceStatesOptions) {
    this.#options = options;
    this.#lines = toldLines(options.logger, OUT_OF_RANGE);
  }

  get(key: FenceKey): FenceState | undefined {
    return this.#states.get(formatFenceKey(key));
  }

  all(): Iterable<FenceState> {
    return this.#states.values();
  }

  /**
   * Takes over a fence that is new or has changed: its windows, and what other replicas wrote into
   * its status.
   */
  open(fence: ServiceFence): void {
    const { book, config, mesh, now, leads } = this.#options;
    const registry = new RecordedLookup(mesh().registry);
    const key = fenceKeyOf(fence);
    const isAnother = this.get(key) !== undefined && this.get(key)?.uid !== fence.metadata.uid;
    // The deletion of a fence may be told together with its successor.
    if (isAnother) this.forget(key);
    const isNew = book.of(key) === undefined;
    const edges = book.open(key, ageingPolicy(fence, config, registry), this.#clock());
    if (isNew) this.#tellBack(key, edges);
    const state = this.get(key);
    if (state !== undefined && !isNew) {
      this.#follow(state, fence, registry);
      return;
    }
    let isReset = false;
    const onReset = (reset: ResetDone) => {
      isReset = true;
      this.#tellReset(key, reset);
    };
    const leftOut = takeOver(edges, fence, registry, now(), mesh().meshHosts, onReset);
    const opened = newState(key, edges, registry.reads, fence, now());
    this.#tellRemarks(opened, fence);
    this.#states.set(formatFenceKey(key), opened);
    const isForgotten = isReset || this.#options.store.states?.wasDeleted(fenceRef(key)) === true;
    if (leads() && !isAnother && !isForgotten) this.#takeOverRendered(opened, fence);
    if (leftOut !== undefined) this.#options.onTurnedAway(key, leftOut);
    this.#options.onOpened?.(fence);
  }

  /**
   * Takes over as the leader. The leader before may have left fences undone, and only a leader's
   * conditions are written. So this replica's conditions of a fence are replaced by those that the
   * store last showed, and every difference is written.
   */
  lead(): void {
    for (const state of this.#states.values()) {
      // The latest write is in the store, and was not told yet.
      const { status: stored } = this.#options.store.objectOf(SERVICE_FENCE, state.key) ?? { status: state.seen };
      state.status = withJudgementOf(stored, state.status);
      const fence = this.#options.mesh().fence(state.key);
      if (fence !== undefined) this.#takeOverRendered(state, fence);
    }
  }

  /**
   * The leader takes over hosts that another replica has just added to the fence's Sidecar. The
   * status with these hosts may come later. If the leader removed them until then, calls to them
   * would fail.
   */
  takeOverWidened(key: FenceKey): void {
    const { store, mesh, now, leads } = this.#options;
    const state = this.get(key);
    const fence = mesh().fence(key);
    if (!leads() || state === undefined || fence === undefined) return;
    const widenedAt = store.sidecars?.widenedAt(fenceRef(key));
    if (widenedAt !== undefined && Math.abs(now() - widenedAt) <= WIDENING_COUNTS) this.#takeOverRendered(state, fence, true);
  }

  /** A fence is gone. What it had learned is kept for a grace period. */
  forget(key: FenceKey): void {
    const { book, config, logger } = this.#options;
    const hosts = book.of(key)?.size;
    if (book.close(key, this.#clock()))
      logger.info({ fence: formatFenceKey(key), hosts, keepDeleted: config.ageing.keepDeleted }, "fence is gone, what it learned is kept");
    this.#states.delete(formatFenceKey(key));
  }

  /** A known fence has changed. */
  #follow(state: FenceState, fence: ServiceFence, registry: RecordedLookup): void {
    const { now, leads, onTurnedAway } = this.#options;
    const { key, edges } = state;
    const leftOut = this.#keepUp(edges, fence, registry);
    this.#tellRemarks(state, fence);
    state.opened = registry.reads;
    mergeStatus(edges, state.seen, fence.status, now());
    for (const reset of resetsAsked(edges, fence, registry)) this.#tellReset(key, reset);
    state.seen = fence.status;
    if (!leads()) state.status = withJudgementOf(state.seen, state.status);
    else if (differsInSubstance(state.status, state.seen)) state.isContradicted = true;
    if (leftOut !== undefined) onTurnedAway(key, leftOut);
  }

  /**
   * Adds what a changed spec names. If the leader has added a warm-up, its hosts come with its
   * status.
   *
   * @returns the first host of a warm-up for which there was no room
   */
  #keepUp(edges: FenceEdges, fence: ServiceFence, registry: ServiceLookup): string | undefined {
    const { now, leads } = this.#options;
    const { status = fence.status } = this.get(fenceKeyOf(fence)) ?? {};
    seedAutoHosts(edges, { ...fence, status }, registry, now());
    if (!leads() && fence.status.warmUp === warmUpMark(fence.spec.warmUp)) edges.warmedUp = fence.status.warmUp;
    return warmUp(edges, fence, registry, now());
  }

  #tellReset(key: FenceKey, reset: ResetDone): void {
    const { leads, logger } = this.#options;
    if (leads()) tellReset(logger, key, reset);
  }

  #clock(): number {
    const { clock = () => performance.now() } = this.#options;
    return clock();
  }

  #tellBack(key: FenceKey, { size: hosts }: FenceEdges): void {
    if (hosts > 0) this.#options.logger.info({ fence: formatFenceKey(key), hosts }, "fence is back, with what it had learned");
  }

  #takeOverRendered({ key, edges }: FenceState, fence: ServiceFence, isWidened = false): void {
    const { store, mesh, now } = this.#options;
    const current = mesh();
    const { registry, meshHosts, systemHosts: system, aliases, config } = current;
    const given = { stable: config.stableHosts, aliases };
    const seen = { ...given, registry, meshHosts, system, required: current.requiredHosts(key.namespace, current.labelsOf(fence)) };
    takeOverRendered({ ...seen, edges, fence, present: store.ownedBy(fenceRef(key)), now: now(), isWidened });
  }

  /** Logged once, until they change. */
  #tellRemarks(state: FenceState, { spec }: ServiceFence): void {
    const { config, logger } = this.#options;
    const detail = shortenedList(windowRemarks(spec, config.ageing));
    const isNew = detail !== "" && detail !== state.toldRemarks;
    if (isNew && this.#lines.take(state.key.namespace)) logger.warn({ fence: formatFenceKey(state.key), detail }, OUT_OF_RANGE);
    state.toldRemarks = detail;
  }
}
