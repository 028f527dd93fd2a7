import { isDeepStrictEqual } from "node:util";
import {
  type Config,
  type FenceKey,
  fenceKeyOf,
  fenceRef,
  formatFenceKey,
  idleWindowOf,
  SERVICE_FENCE,
  type ServiceFence,
  type ServiceFenceStatus,
  windowRemarks,
} from "@fenceline/api";
import type { EdgeBook } from "@fenceline/edges";
import { type EgressHost, egressHosts, hasOnDemand, nextDeadline, type Rendered, renderFence, workloadLabels } from "@fenceline/render";
import type { Store } from "@fenceline/store";
import type { Logger } from "pino";
import type { Mesh } from "../mesh.ts";
import type { CollectorMetrics } from "../metrics.ts";
import { WorkQueue } from "../work-queue.ts";
import { remarksText } from "./conditions.ts";
import { conflictingSidecars } from "./conflict.ts";
import { type FenceState, newState } from "./fence-state.ts";
import { FenceWriter } from "./fence-writer.ts";
import { plan } from "./plan.ts";
import { differsInSubstance, fenceStatus, withConditionsOf } from "./status.ts";
import { ageingPolicy, mergeStatus, seedAutoHosts, takeOver } from "./take-over.ts";

/** What a {@link FenceController} works with. */
export interface FenceControllerOptions {
  readonly store: Store;
  readonly book: EdgeBook;
  readonly mesh: () => Mesh;
  readonly config: Config;
  readonly metrics: CollectorMetrics;
  readonly logger: Logger;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
  /**
   * Whether this replica alone ages and renders; the others only learn, and write what they learned
   * into the status.
   */
  readonly leads: () => boolean;
  /** Whether the fallback can answer. */
  readonly fallbackReady: (mesh: Mesh) => boolean;
  /** The versions of Istio that a fence's proxies run, as far as they are known. */
  readonly proxyVersions: (fence: FenceKey) => readonly string[];
}

interface Desired {
  readonly rendered: Rendered;
  readonly status: ServiceFenceStatus;
}

/** `lastSeen` is written at most this many times a window. */
const STATUS_WRITES_PER_WINDOW = 10;
/** And at most this often, in milliseconds: each write of each fence reaches every replica. */
const SHORTEST_WRITE_PAUSE = 1_000;

/**
 * Keeps each fence's rendered objects and status what its spec and its edges say: observe → desired
 * → plan → apply.
 */
export class FenceController {
  readonly #options: FenceControllerOptions;
  readonly #states = new Map<string, FenceState>();
  readonly #queue: WorkQueue<FenceKey>;
  readonly #writer: FenceWriter;
  readonly #isDebug: boolean;

  constructor(options: FenceControllerOptions) {
    this.#options = options;
    this.#writer = new FenceWriter(options);
    this.#isDebug = options.logger.isLevelEnabled("debug");
    this.#queue = new WorkQueue({
      work: (key) => this.#reconcile(key),
      onError: (key, error, retryAfter, failures) => {
        const fence = formatFenceKey(key);
        options.metrics.reconciles.inc({ result: "error" });
        // The first, second, fourth, … in a row: a thousand fences that fail for an hour must not
        // fill the disk with the same line.
        if (Number.isInteger(Math.log2(failures)))
          options.logger.warn({ fence, err: error, failures, retryAfterMs: Math.round(retryAfter) }, "write failed, will retry");
      },
    });
  }

  /** Takes over a new snapshot: fences come, change and go. */
  refresh(): void {
    const { mesh, store } = this.#options;
    const current = mesh();
    for (const fence of current.fences()) this.#open(fence, current);
    const gone = [...this.#states.values(), ...store.owners(SERVICE_FENCE.name).map((key) => ({ key }))].map(({ key }) => key);
    for (const key of [...current.fences().map(fenceKeyOf), ...gone]) this.enqueue(key);
  }

  /**
   * Takes over as the leader: the one before may have left fences undone, and only what a leader
   * judges is written. So what this replica believes of a fence's conditions gives way to what the
   * store last showed, and every difference is news.
   */
  lead(): void {
    for (const state of this.#states.values()) state.status = withConditionsOf(state.seen, state.status);
    this.refresh();
  }

  /** Asks for a run. Requests made before it starts become one. */
  enqueue(key: FenceKey): void {
    this.#queue.add(formatFenceKey(key), key);
  }

  /** A host is new in the book. */
  learned(key: FenceKey): void {
    const state = this.#states.get(formatFenceKey(key));
    if (state !== undefined) state.learnedAt ??= performance.now();
    this.enqueue(key);
  }

  /**
   * A workload called a host that its fence has no room for, or its warm-up names one. Told once,
   * until there is room again.
   */
  turnedAway(key: FenceKey, host: string): void {
    const state = this.#states.get(formatFenceKey(key));
    if (state === undefined || state.isTurningAway) return;
    state.isTurningAway = true;
    const { maxHosts } = state.edges;
    this.#options.logger.warn({ fence: formatFenceKey(key), host, maxHosts }, "fence is full, new hosts stay on the fallback");
    this.enqueue(key);
  }

  /** Fences that turn newcomers away now. */
  fencesAtCapacity(): number {
    return [...this.#states.values()].filter(({ edges }) => edges.isAtCapacity).length;
  }

  /**
   * Runs one ageing round over all fences, and lets times be written that have waited long enough.
   */
  tick(): void {
    const { metrics, logger, config, now } = this.#options;
    const leads = this.#options.leads();
    for (const state of this.#states.values()) {
      const { key, edges, statusWrittenAt } = state;
      const fence = this.#options.mesh().fence(key);
      const removed = leads ? edges.age() : [];
      if (removed.length > 0) {
        metrics.edgesAged.inc(removed.length);
        const idleWindow = fence?.spec.idleWindow ?? config.ageing.idleWindow;
        logger.info({ fence: formatFenceKey(key), hosts: removed, idleWindow }, "hosts aged out, nobody called them");
      }
      const hasRoomAgain = state.isTurningAway && !edges.isAtCapacity;
      if (hasRoomAgain) state.isTurningAway = false;
      const deadline = fence === undefined ? undefined : nextDeadline(fence, statusWrittenAt);
      const isDue = deadline !== undefined && deadline <= now();
      if (removed.length > 0 || hasRoomAgain || isDue || this.#timesAreStale(key)) this.enqueue(key);
    }
  }

  /** The fence as it is now, times and counts included; undefined when there is none. */
  describe(key: FenceKey): { readonly fence: ServiceFence; readonly status: ServiceFenceStatus } | undefined {
    const fence = this.#options.mesh().fence(key);
    const state = this.#states.get(formatFenceKey(key));
    if (fence === undefined || state === undefined) return undefined;
    return { fence, status: this.#desired(fence, state).status };
  }

  /** Resolves when everything that was asked for is done. */
  idle(): Promise<void> {
    return this.#queue.idle();
  }

  /** Finishes what waits, writes times and counts a last time, and stops. */
  async close(): Promise<void> {
    for (const { key, edges, status } of this.#states.values()) {
      if (edges.observedUntil !== undefined || Object.keys(status.domains).length > 0) this.#forceStatus(key);
    }
    await this.#queue.close();
  }

  /** Returns when to run again because of what stands in the way, in milliseconds. */
  async #reconcile(key: FenceKey): Promise<number | undefined> {
    const { store, metrics, mesh } = this.#options;
    const fence = mesh().fence(key);
    const state = this.#states.get(formatFenceKey(key));
    const learnedAt = state?.learnedAt;
    if (state !== undefined) state.learnedAt = undefined;
    const desired = fence === undefined || state === undefined ? undefined : this.#desired(fence, state);
    const changes = this.#options.leads() ? plan(fenceRef(key), store.ownedBy(fenceRef(key)), desired?.rendered.objects ?? []) : [];
    // The status first: should the process die in between, a host is known that is not rendered
    // yet, and the start renders it.
    if (state !== undefined && desired !== undefined) await this.#judge(state, desired);
    else await this.#forget(key);
    const before = this.#writer.obstacles(key);
    const made = await this.#writer.apply(key, changes);
    const after = this.#writer.obstacles(key);
    const isNews = !isDeepStrictEqual(before, after);
    if (isNews && fence !== undefined && state !== undefined) await this.#writeStatus(state, this.#desired(fence, state).status);
    if (learnedAt !== undefined && after.length === 0) metrics.learnToRender.observe((performance.now() - learnedAt) / 1_000);
    this.#tellRun(key, changes.length, made, after.length > 0);
    return this.#writer.retryAfter(key);
  }

  #tellRun(key: FenceKey, planned: number, made: number, isObstructed: boolean): void {
    const { metrics, logger } = this.#options;
    const result = isObstructed ? "obstructed" : made === 0 ? "unchanged" : "changed";
    metrics.reconciles.inc({ result });
    if (this.#isDebug) logger.debug({ fence: formatFenceKey(key), planned, made, result }, "rendered");
  }

  #desired(fence: ServiceFence, state: FenceState): Desired {
    const { store } = this.#options;
    const mesh = this.#options.mesh();
    const { registry, config } = mesh;
    const now = this.#options.now();
    const present = store.ownedBy(fenceRef(state.key));
    const enforced = present.some(({ kind }) => kind === "Sidecar");
    const onDemandBefore = present.some((object) => object.kind === "EnvoyFilter" && hasOnDemand(object));
    const fallback = { ready: this.#options.fallbackReady(mesh), enforced };
    const hosts: EgressHost[] = egressHosts({ fence, booked: state.edges.hosts(), registry, now });
    const conflicts = conflictingSidecars(
      fence,
      workloadLabels({ fence, registry, config }),
      store.foreign("Sidecar", fence.metadata.namespace),
    );
    const proxyVersions = this.#options.proxyVersions(state.key);
    const conflict = conflicts.length > 0;
    const rendered = renderFence({ fence, hosts, registry, config, proxyVersions, onDemandBefore, fallback, conflict });
    const { status: previous, edges } = state;
    const remarks = windowRemarks(fence.spec, config.ageing);
    const judged = { previous, edges, rendered, enforced, fallbackReady: fallback.ready, conflicts, remarks, now };
    const status = fenceStatus({ ...judged, fence, hosts, obstacles: this.#writer.obstacles(state.key) });
    // The leader alone judges. What another would say here is not written, and must not be taken
    // for written when it becomes the leader.
    return { rendered, status: this.#options.leads() ? status : withConditionsOf(state.seen, status) };
  }

  async #judge(state: FenceState, { rendered, status }: Desired): Promise<void> {
    this.#tellRefusal(state, rendered);
    await this.#writeStatus(state, status);
  }

  async #writeStatus(state: FenceState, status: ServiceFenceStatus): Promise<void> {
    if (!differsInSubstance(state.status, status) && !this.#timesAreStale(state.key)) return this.#writer.statusIsKept(state.key);
    if (!(await this.#writer.keepStatus(state.key, status))) return;
    state.status = status;
    state.statusWrittenAt = this.#options.now();
  }

  async #forget(key: FenceKey): Promise<void> {
    this.#options.book.close(key);
    this.#states.delete(formatFenceKey(key));
    this.#writer.statusIsKept(key);
    await this.#options.store.deleteStatus(fenceRef(key));
  }

  #open(fence: ServiceFence, mesh: Mesh): void {
    const { book, config, now, leads } = this.#options;
    const key = fenceKeyOf(fence);
    const isNew = book.of(key) === undefined;
    const edges = book.open(key, ageingPolicy(fence, config, mesh.registry));
    const state = this.#states.get(formatFenceKey(key));
    const leftOut = isNew ? takeOver(edges, fence, mesh.registry, now()) : undefined;
    if (!isNew) seedAutoHosts(edges, { ...fence, status: state?.status ?? fence.status }, mesh.registry, now());
    if (state !== undefined && !isNew) {
      this.#tellRemarks(state, fence);
      mergeStatus(edges, state.seen, fence.status, now());
      state.seen = fence.status;
      if (!leads()) state.status = withConditionsOf(state.seen, state.status);
      return;
    }
    const opened = newState(key, edges, fence, now());
    this.#tellRemarks(opened, fence);
    this.#states.set(formatFenceKey(key), opened);
    if (leftOut !== undefined) this.turnedAway(key, leftOut);
  }

  /**
   * Once, until the reason is another one. What was rendered for the fence before is taken away
   * like anything that is not wanted any more.
   */
  #tellRefusal(state: FenceState, rendered: Rendered): void {
    const refused = "refused" in rendered ? rendered.refused : undefined;
    if (refused !== undefined && refused.reason !== state.toldRefusal)
      this.#options.logger.warn(
        { fence: formatFenceKey(state.key), reason: refused.reason, detail: refused.message },
        "fence not rendered",
      );
    state.toldRefusal = refused?.reason;
  }

  /** Once, until they are others. */
  #tellRemarks(state: FenceState, { spec }: ServiceFence): void {
    const { config, logger } = this.#options;
    const detail = remarksText(windowRemarks(spec, config.ageing));
    if (detail !== "" && detail !== state.toldRemarks) logger.warn({ fence: formatFenceKey(state.key), detail }, "durations out of range");
    state.toldRemarks = detail;
  }

  /** Times and counts moved on since they were written, and a tenth of the window has passed. */
  #timesAreStale(key: FenceKey): boolean {
    const { config, mesh, now } = this.#options;
    const fence = mesh().fence(key);
    const state = this.#states.get(formatFenceKey(key));
    if (fence === undefined || state?.edges.observedUntil === undefined) return false;
    const idleWindow = idleWindowOf(fence.spec, config.ageing);
    return (
      state.edges.observedUntil > state.statusWrittenAt &&
      now() - state.statusWrittenAt >= Math.max(SHORTEST_WRITE_PAUSE, idleWindow / STATUS_WRITES_PER_WINDOW)
    );
  }

  #forceStatus(key: FenceKey): void {
    const state = this.#states.get(formatFenceKey(key));
    if (state !== undefined) state.statusWrittenAt = Number.NEGATIVE_INFINITY;
    this.enqueue(key);
  }
}
