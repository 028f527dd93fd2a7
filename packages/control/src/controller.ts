import { isToldInRow, type ObjectRef, refText } from "@fenceline/api";
import type { Change, Obstacle } from "@fenceline/store";
import type { Logger } from "pino";
import type { ControlMetrics } from "./control-metrics.ts";
import { statusToWrite } from "./fault-status.ts";
import { InFlightLimit } from "./in-flight-limit.ts";
import { plan } from "./plan.ts";
import { type ControlStore, namedIn, PlanWriter } from "./plan-writer.ts";
import { type Desired, desiredOf, type Reconciler, type Remains } from "./reconciler.ts";
import { RefusalLog } from "./refusal-log.ts";
import { WorkQueue } from "./work-queue.ts";
import { WriteBudget } from "./write-budget.ts";

/** What a {@link Controller} works with. */
export interface ControllerOptions {
  readonly store: ControlStore;
  readonly metrics: ControlMetrics;
  readonly logger: Logger;
  /**
   * Whether this replica renders. The others only learn, and write what they learned into the
   * statuses of kinds that merge them.
   */
  readonly leads: () => boolean;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
}

/** How many statuses are written at a time. They are few, so that none of them delays a plan. */
const STATUSES = 2;

/**
 * A replica that does not lead waits this long, in milliseconds, for the leader to render what the
 * replica learned. Then it renders that itself. A leader takes about 10 ms, so a replica steps in
 * only where the leader is gone or far behind: otherwise both would write the same.
 */
const LEADER_FIRST = 300;

/**
 * Brings the rendered objects of each object of ours, and its status, to the desired state: observe
 * → desired → plan → apply. All kinds run on one controller. So there is one budget of writes and
 * one limit of writes under way, and what a call waits for goes first, whatever its kind.
 *
 * Rendered objects have a queue of their own and come first: a call waits for them, and nothing
 * waits for a status. The status is written afterwards. Several requests for it become one write.
 * If the process dies in between, the next leader finds in the rendered objects what the status
 * lacks.
 */
export class Controller {
  readonly #options: ControllerOptions;
  /** By the name of their kind. */
  readonly #reconcilers = new Map<string, Reconciler>();
  readonly #writer: PlanWriter;
  readonly #plans: WorkQueue<ObjectRef>;
  readonly #statuses: WorkQueue<ObjectRef>;
  /**
   * Of a replica that does not lead: since when something that a call waits for is not rendered.
   */
  readonly #unmade = new Map<string, number>();
  /**
   * Objects of which this replica carried out a step while it did not lead, and not the last one.
   */
  readonly #begun = new Set<string>();
  /** Objects of which something is rendered, or is to be. */
  readonly #wanting = new Set<string>();
  readonly #inFlight = new InFlightLimit();
  readonly #budget: WriteBudget;
  readonly #refusals: RefusalLog;
  readonly #isDebug: boolean;

  constructor(options: ControllerOptions) {
    const { logger } = options;
    this.#options = options;
    this.#budget = new WriteBudget(options.clock ?? (() => performance.now()));
    this.#writer = new PlanWriter({
      ...options,
      reconcilerOf: (of) => this.#reconcilerOf(of),
      onWrite: (took, inFlight) => this.#inFlight.ended(took, inFlight),
    });
    options.metrics.observeInFlight(() => this.#inFlight.limit);
    this.#refusals = new RefusalLog(logger);
    this.#isDebug = logger.isLevelEnabled("debug");
    const onError = (of: ObjectRef, error: unknown, retryAfter: number, failures: number) =>
      this.#tellFailure(of, error, retryAfter, failures);
    const share = ({ namespace }: ObjectRef) => namespace;
    this.#plans = new WorkQueue({ work: (of) => this.#reconcile(of), onError, share, concurrency: () => this.#inFlight.limit });
    this.#statuses = new WorkQueue({ work: (of) => this.#keepStatus(of), onError, share, concurrency: () => STATUSES });
  }

  /** Runs one more kind. To be called before its first object is enqueued. */
  add(reconciler: Reconciler): void {
    this.#reconcilers.set(reconciler.kind.name, reconciler);
  }

  /**
   * Asks for a run. Requests made before it starts become one.
   *
   * @param urgent whether a call waits for what this run renders. Default false
   */
  enqueue(of: ObjectRef, urgent = false): void {
    this.#plans.add(refText(of), of, urgent);
  }

  /** Asks for the status alone. */
  enqueueStatus(of: ObjectRef): void {
    this.#statuses.add(refText(of), of);
  }

  /** What stands in the way of an object's rendered objects. */
  obstacles(of: ObjectRef): readonly Obstacle[] {
    return this.#writer.obstacles(of);
  }

  /** Why nothing that is rendered can be written now; undefined when it can, as far as is known. */
  blocked(): string | undefined {
    return this.#writer.blocked(this.#wanting.size);
  }

  /** What an object asks for now; undefined when it does not exist. Nothing is written for it. */
  desired(of: ObjectRef): Desired<object> | undefined {
    return desiredOf(this.#reconcilerOf(of), of);
  }

  /** Resolves when everything that was asked for is done. */
  async idle(): Promise<void> {
    // A plan asks for a status; a status asks for no plan.
    await this.#plans.idle();
    await this.#statuses.idle();
  }

  /** Finishes what waits, and stops. */
  async close(): Promise<void> {
    await this.#plans.close();
    await this.#statuses.close();
  }

  /**
   * Returns when to run again, in milliseconds: because of what stands in the way, or for the next
   * step.
   */
  async #reconcile(of: ObjectRef): Promise<number | undefined> {
    const { store, leads } = this.#options;
    const desired = this.desired(of);
    // What was rendered for an object that cannot be read stays as it is.
    const isUnread = desired === undefined && store.faultOf(of) !== undefined;
    const isGone = desired === undefined && !isUnread;
    const next = isGone ? this.#reconcilerOf(of).remains?.(of) : desired;
    if (isGone) this.#forget(of);
    const changes = isUnread ? [] : plan(of, store.ownedBy(of), next?.objects ?? []);
    this.#note(of, changes, next, desired?.isLeftAlone);
    if (!leads()) return this.#follow(of, changes, desired);
    const pause = this.#pauseBefore(of, changes);
    if (pause > 0) return pause;
    const made = await this.#apply(of, changes);
    if (made > 0) this.#reconcilerOf(of).applied?.(of);
    this.#tellRun(of, changes.length, made, desired);
    return this.#runAgainIn(of, made === changes.length ? next : undefined);
  }

  #note(of: ObjectRef, changes: readonly Change[], next: Remains | undefined, isLeftAlone = false): void {
    const isWanting = changes.length > 0 || (!isLeftAlone && next !== undefined && next.objects.length > 0);
    if (isWanting) this.#wanting.add(refText(of));
    else this.#wanting.delete(refText(of));
  }

  /** @param next what was carried out; undefined where a part of it failed: no step follows then */
  #runAgainIn(of: ObjectRef, next: Remains | undefined): number | undefined {
    const pauses = [this.#writer.retryAfter(of), next?.nextStepIn].filter((pause) => pause !== undefined);
    return pauses.length === 0 ? undefined : Math.min(...pauses);
  }

  /** Whatever became of the writes, the status says what is there then. */
  async #apply(of: ObjectRef, changes: readonly Change[]): Promise<number> {
    try {
      return await this.#writer.apply(of, changes);
    } finally {
      this.#statuses.add(refText(of), of);
    }
  }

  /**
   * A plan for which there is no budget waits. When its turn comes, what is desired by then is
   * written.
   */
  #pauseBefore(of: ObjectRef, changes: readonly Change[]): number {
    if (changes.length === 0) return 0;
    const reconciler = this.#reconcilerOf(of);
    const isAwaited = changes.some((change) => change.action === "update" && reconciler.widening?.(change) !== undefined);
    const pause = this.#budget.pause(of, changes.length, isAwaited);
    if (pause > 0) this.#options.metrics.delayedWrites.inc({ kind: of.kind }, changes.length);
    return pause;
  }

  /**
   * A replica that does not lead says in the status what it learned, and the leader renders it.
   * Where none does, it carries out itself what a call waits for.
   */
  async #follow(of: ObjectRef, changes: readonly Change[], desired: Desired<object> | undefined): Promise<number | undefined> {
    const { store, clock = () => performance.now() } = this.#options;
    const reconciler = this.#reconcilerOf(of);
    const id = refText(of);
    this.#statuses.add(id, of);
    const updates = store.sidecars === undefined ? [] : changes.filter((change) => change.action === "update");
    const widenings = updates.flatMap((change) => reconciler.widening?.(change) ?? []);
    if (widenings.length === 0) {
      this.#unmade.delete(id);
      this.#tellRun(of, 0, 0, desired);
      if (desired?.nextStepIn === undefined) this.#begun.delete(id);
      // A step that is the leader's is followed by steps of the leader, so this replica need not
      // come back. With 5,000 fences it did nothing else, and was never ready.
      return changes.length === 0 || this.#begun.has(id) ? desired?.nextStepIn : undefined;
    }
    const since = this.#unmade.get(id) ?? clock();
    this.#unmade.set(id, since);
    const pause = Math.max(since + LEADER_FIRST - clock(), 0) || this.#budget.pause(of, widenings.length, true);
    if (pause > 0) return pause;
    this.#unmade.delete(id);
    let made = 0;
    for (const widening of widenings) if (await this.#writer.widen(widening)) made += 1;
    if (made > 0 && desired?.nextStepIn !== undefined) this.#begun.add(id);
    // The status that was asked for above may have been written before the widening.
    this.#statuses.add(id, of);
    this.#tellRun(of, widenings.length, made, desired);
    return this.#runAgainIn(of, desired);
  }

  async #keepStatus(of: ObjectRef): Promise<number | undefined> {
    const { store, leads } = this.#options;
    const reconciler = this.#reconcilerOf(of);
    // Whoever leads next looks at every object.
    if (!leads() && reconciler.kind.mergeStatus === undefined) return undefined;
    const desired = this.desired(of);
    const fault = store.faultOf(of);
    const status = statusToWrite(reconciler, of, { desired, fault, leads: leads() });
    if (desired === undefined && fault === undefined) await store.deleteStatus(of);
    if (status === undefined) this.#writer.statusIsKept(of);
    else if (await this.#writer.keepStatus(of, status)) reconciler.statusWritten?.(of, status);
    else return this.#writer.retryAfter(of);
    if (leads() && desired?.isLeftAlone !== true) await store.shadows?.tell(of);
    return undefined;
  }

  #tellRun(of: ObjectRef, planned: number, made: number, desired: Desired<object> | undefined): void {
    const { metrics, logger } = this.#options;
    const reconciler = this.#reconcilerOf(of);
    const isObstructed = this.#writer.obstacles(of).length > 0;
    const result = isObstructed ? "obstructed" : made === 0 ? "unchanged" : "changed";
    metrics.reconciles.inc({ kind: of.kind, result });
    if (desired !== undefined) this.#refusals.tell(of, desired.refused, namedIn(reconciler, of));
    if (desired !== undefined) reconciler.told?.(of, desired, result);
    if (this.#isDebug) logger.debug({ ...namedIn(reconciler, of), planned, made, result }, "rendered");
  }

  #forget(of: ObjectRef): void {
    this.#refusals.forget(of);
    this.#begun.delete(refText(of));
    this.#reconcilerOf(of).forget?.(of);
  }

  #reconcilerOf({ kind }: ObjectRef): Reconciler {
    const reconciler = this.#reconcilers.get(kind);
    if (reconciler === undefined) throw new TypeError(`no reconciler of ${kind} was added`);
    return reconciler;
  }

  #tellFailure(of: ObjectRef, err: unknown, retryAfter: number, failures: number): void {
    const { metrics, logger } = this.#options;
    metrics.reconciles.inc({ kind: of.kind, result: "error" });
    if (!isToldInRow(failures)) return;
    const named = namedIn(this.#reconcilerOf(of), of);
    logger.warn({ ...named, err, failures, retryAfterMs: Math.round(retryAfter) }, "write failed, will retry");
  }
}
