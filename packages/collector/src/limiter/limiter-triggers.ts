import { durationMs, type ObjectRef, refOf, SMART_LIMITER, type SmartLimiter } from "@fenceline/api";
import type { Runs, Triggers } from "@fenceline/control";
import type { MeshChanges } from "@fenceline/store";
import { unreadKinds } from "../fence/mesh-objects-condition.ts";
import type { KindContext } from "../kind-context.ts";
import type { LimiterReconciler } from "./limiter-reconciler.ts";
import type { ValueRounds } from "./value-rounds.ts";

/** Longest pause, in milliseconds, between two looks for values that are to be asked for. */
const LOOK = 1_000;

/**
 * Causes runs of limiters beside those for their own changes: for Services and endpoints that they
 * read, DestinationRules, other limiters for their pods, values of metrics, and which namespaces
 * are Istio's.
 */
export class LimiterTriggers implements Triggers<SmartLimiter> {
  readonly #reconciler: Pick<LimiterReconciler, "keepUp" | "resume" | "waitingIn">;
  readonly #rounds: ValueRounds;
  readonly #interval: number;
  readonly #store: Pick<KindContext["store"], "unread" | "snapshot">;
  readonly #runs: Pick<Runs, "enqueue" | "enqueueStatus">;
  /** What could not be read when the limiters were last told. */
  #unread = "";

  constructor(
    reconciler: Pick<LimiterReconciler, "keepUp" | "resume" | "waitingIn">,
    rounds: ValueRounds,
    { store, runs, config }: Pick<KindContext, "store" | "runs" | "config">,
  ) {
    this.#reconciler = reconciler;
    this.#rounds = rounds;
    this.#interval = Math.min(LOOK, durationMs(config.limiters.interval));
    this.#store = store;
    this.#runs = runs;
  }

  interval(): number {
    return this.#interval;
  }

  /** Does not wait for the answers: until they come, what was in force before stays. */
  async start(): Promise<void> {
    this.#rounds.tick();
  }

  tick(): void {
    this.#rounds.tick();
    this.#tellUnread();
  }

  lead(): void {
    this.#reconciler.resume();
    this.#rounds.tick();
  }

  async idle(): Promise<void> {
    await this.#rounds.idle();
  }

  async close(): Promise<void> {
    await this.#rounds.close();
  }

  /** No change event tells that a right was lost or given. */
  #tellUnread(): void {
    const unread = unreadKinds(this.#store)
      .map(({ kind, reason }) => `${kind.plural} ${reason}`)
      .join();
    if (unread === this.#unread) return;
    this.#unread = unread;
    for (const limiter of this.#store.snapshot().of(SMART_LIMITER)) this.#runs.enqueueStatus(refOf(SMART_LIMITER.name, limiter));
  }

  concernedBy({ meshConfigs, disturbed }: MeshChanges): readonly ObjectRef[] | "all" {
    return meshConfigs.length > 0 ? "all" : disturbed.flatMap(({ namespace }) => this.#reconciler.waitingIn(namespace));
  }

  /** Which limiters share an EnvoyFilter is known after the change is taken over. */
  keepUp(changes: MeshChanges): void {
    const concerned = this.#reconciler.keepUp(changes);
    for (const of of concerned) this.#runs.enqueue(of);
    if (concerned.length > 0) this.#rounds.news();
  }
}
