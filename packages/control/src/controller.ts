import { type ObjectRef, refText } from "@fenceline/api";
import type { Change, Obstacle } from "@fenceline/store";
import type { Logger } from "pino";
import type { ControlMetrics } from "./control-metrics.ts";
import { InFlightLimit } from "./in-flight-limit.ts";
import { plan } from "./plan.ts";
import { type ControlStore, PlanWriter } from "./plan-writer.ts";
import type { Desired, Reconciler } from "./reconciler.ts";
import { WorkQueue } from "./work-queue.ts";
import { WriteBudget } from "./write-budget.ts";

/** What a {@link Controller} works with. */
export interface ControllerOptions<Seen, Status, D extends Desired<Status>> {
  readonly store: ControlStore<Status>;
  readonly reconciler: Reconciler<Seen, Status, D>;
  readonly metrics: ControlMetrics;
  readonly logger: Logger;
  /**
   * Whether this replica renders. The others only learn, and write what they learned into statuses.
   */
  readonly leads: () => boolean;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
}

/** Statuses that are written at a time: fewer, so that none of them delays a plan. */
const STATUSES = 2;

/**
 * How long a leader has to render what another replica learned, in milliseconds, before that one
 * does so itself. A leader takes some ten, so only one that is gone, or far behind, is not waited
 * for: two that wrote the same would make twice the work for everybody.
 */
const LEADER_FIRST = 300;

/**
 * Keeps what is rendered for each object of one kind, and its status, what they should be: observe
 * → desired → plan → apply.
 *
 * Rendered objects come first, in a queue of their own: a call waits for them, and nothing waits
 * for a status. The status then says what is true, and one that is asked for many times meanwhile
 * is written once. Should the process die in between, the next leader finds in the rendered objects
 * what the status lacks.
 */
export class Controller<Seen, Status, D extends Desired<Status> = Desired<Status>> {
  readonly #options: ControllerOptions<Seen, Status, D>;
  readonly #writer: PlanWriter<Status>;
  readonly #plans: WorkQueue<ObjectRef>;
  readonly #statuses: WorkQueue<ObjectRef>;
  /**
   * Since when something that a call waits for is not rendered, on a replica that does not lead.
   */
  readonly #unmade = new Map<string, number>();
  readonly #inFlight = new InFlightLimit();
  readonly #budget: WriteBudget;
  readonly #isDebug: boolean;

  constructor(options: ControllerOptions<Seen, Status, D>) {
    const { logger } = options;
    this.#options = options;
    this.#budget = new WriteBudget(options.clock ?? (() => performance.now()));
    this.#writer = new PlanWriter({ ...options, onWrite: (took, inFlight) => this.#inFlight.ended(took, inFlight) });
    options.metrics.observeInFlight(() => this.#inFlight.limit);
    this.#isDebug = logger.isLevelEnabled("debug");
    const onError = (of: ObjectRef, error: unknown, retryAfter: number, failures: number) =>
      this.#tellFailure(of, error, retryAfter, failures);
    const share = ({ namespace }: ObjectRef) => namespace;
    this.#plans = new WorkQueue({ work: (of) => this.#reconcile(of), onError, share, concurrency: () => this.#inFlight.limit });
    this.#statuses = new WorkQueue({ work: (of) => this.#keepStatus(of), onError, share, concurrency: () => STATUSES });
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

  /** What an object asks for now; undefined when it does not exist. Nothing is written for it. */
  desired(of: ObjectRef): D | undefined {
    const { reconciler } = this.#options;
    const seen = reconciler.observe(of);
    return seen === undefined ? undefined : reconciler.desired(seen);
  }

  /** Resolves when everything that was asked for is done. */
  async idle(): Promise<void> {
    // A plan asks for a status, never the other way round.
    await this.#plans.idle();
    await this.#statuses.idle();
  }

  /** Finishes what waits, and stops. */
  async close(): Promise<void> {
    await this.#plans.close();
    await this.#statuses.close();
  }

  /** Returns when to run again because of what stands in the way, in milliseconds. */
  async #reconcile(of: ObjectRef): Promise<number | undefined> {
    const { store, reconciler, leads } = this.#options;
    const desired = this.desired(of);
    if (desired === undefined) reconciler.forget(of);
    const changes = plan(of, store.ownedBy(of), desired?.objects ?? []);
    if (!leads()) return this.#follow(of, changes, desired);
    const pause = this.#pauseBefore(of, changes);
    if (pause > 0) return pause;
    const made = await this.#writer.apply(of, changes);
    this.#statuses.add(refText(of), of);
    this.#tellRun(of, changes.length, made, desired);
    return this.#writer.retryAfter(of);
  }

  /**
   * What there is no budget for waits for its turn. What is wanted then is written, not what was
   * wanted before.
   */
  #pauseBefore(of: ObjectRef, changes: readonly Change[]): number {
    if (changes.length === 0) return 0;
    const { reconciler, metrics } = this.#options;
    const isAwaited = changes.some((change) => change.action === "update" && reconciler.widening?.(change) !== undefined);
    const pause = this.#budget.pause(of, changes.length, isAwaited);
    if (pause > 0) metrics.delayedWrites.inc(changes.length);
    return pause;
  }

  /**
   * A replica that does not lead says in the status what it learned, and the leader renders it.
   * Where none does, it carries out itself what a call waits for.
   */
  async #follow(of: ObjectRef, changes: readonly Change[], desired: D | undefined): Promise<number | undefined> {
    const { store, reconciler, clock = () => performance.now() } = this.#options;
    const id = refText(of);
    this.#statuses.add(id, of);
    const updates = store.sidecars === undefined ? [] : changes.filter((change) => change.action === "update");
    const widenings = updates.flatMap((change) => reconciler.widening?.(change) ?? []);
    if (widenings.length === 0) {
      this.#unmade.delete(id);
      this.#tellRun(of, 0, 0, desired);
      return undefined;
    }
    const since = this.#unmade.get(id) ?? clock();
    this.#unmade.set(id, since);
    const pause = Math.max(since + LEADER_FIRST - clock(), 0) || this.#budget.pause(of, widenings.length, true);
    if (pause > 0) return pause;
    this.#unmade.delete(id);
    let made = 0;
    for (const widening of widenings) if (await this.#writer.widen(widening)) made += 1;
    this.#tellRun(of, widenings.length, made, desired);
    return this.#writer.retryAfter(of);
  }

  async #keepStatus(of: ObjectRef): Promise<number | undefined> {
    const { store, reconciler, leads } = this.#options;
    // Whoever leads next looks at every object.
    if (!leads() && reconciler.everyReplicaWritesStatus !== true) return undefined;
    const desired = this.desired(of);
    const status = desired && reconciler.statusToWrite(of, desired);
    if (desired === undefined) await store.deleteStatus(of);
    if (status === undefined) this.#writer.statusIsKept(of);
    else if (await this.#writer.keepStatus(of, status)) reconciler.statusWritten(of, status);
    else return this.#writer.retryAfter(of);
    return undefined;
  }

  #tellRun(of: ObjectRef, planned: number, made: number, desired: D | undefined): void {
    const { metrics, logger, reconciler } = this.#options;
    const isObstructed = this.#writer.obstacles(of).length > 0;
    const result = isObstructed ? "obstructed" : made === 0 ? "unchanged" : "changed";
    metrics.reconciles.inc({ result });
    if (desired !== undefined) reconciler.told?.(of, desired, result);
    if (this.#isDebug) logger.debug({ [reconciler.logField]: `${of.namespace}/${of.name}`, planned, made, result }, "rendered");
  }

  /**
   * The first, second, fourth, … in a row: a thousand objects that fail for an hour must not fill
   * the disk with the same line.
   */
  #tellFailure(of: ObjectRef, err: unknown, retryAfter: number, failures: number): void {
    const { metrics, logger, reconciler } = this.#options;
    metrics.reconciles.inc({ result: "error" });
    if (!Number.isInteger(Math.log2(failures))) return;
    const named = { [reconciler.logField]: `${of.namespace}/${of.name}` };
    logger.warn({ ...named, err, failures, retryAfterMs: Math.round(retryAfter) }, "write failed, will retry");
  }
}
