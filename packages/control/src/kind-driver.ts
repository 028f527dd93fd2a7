import { type ObjectChange, type ObjectRef, type OwnObject, objectOf, refOf, refText } from "@fenceline/api";
import type { MeshChanges, Store } from "@fenceline/store";
import type { Logger } from "pino";
import type { ControlMetrics } from "./control-metrics.ts";
import type { Controller } from "./controller.ts";
import { KindFaults } from "./kind-faults.ts";
import type { DrivenKind, ObjectSource, Triggers } from "./triggers.ts";

/** What a {@link KindDriver} works with. */
export interface KindDriverOptions<O extends OwnObject> {
  readonly driven: DrivenKind<O>;
  readonly controller: Controller;
  readonly store: Pick<Store, "snapshot" | "objectOf" | "goneOwners" | "faulty">;
  readonly metrics: Pick<ControlMetrics, "kindFaults">;
  readonly logger: Logger;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
}

/**
 * Milliseconds between two looks at every object. Controllers of Kubernetes resync too: it makes up
 * for a change that was missed.
 */
const REFRESH_PAUSE = 600_000;
/** Milliseconds between two looks for what is left of objects that are gone. */
const SWEEP_PAUSE = 10_000;

/**
 * Has the objects of one kind looked at. It looks at all of them at the start, when this replica
 * becomes the leader, and every ten minutes. It looks at an object when that changes, when a change
 * concerns it, and when somebody else changes what is rendered for it. The {@link Triggers} know
 * what is particular to the kind; an error in them stops no other kind.
 */
export class KindDriver<O extends OwnObject = OwnObject> {
  readonly #options: KindDriverOptions<O>;
  readonly #triggers: Triggers<O>;
  readonly #objects: ObjectSource<O>;
  /** Objects that were there when they were last looked at. */
  readonly #known = new Map<string, ObjectRef>();
  readonly #clock: () => number;
  readonly #faults: KindFaults;
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #sweeping: NodeJS.Timeout | undefined;
  #interval: number | undefined;

  constructor(options: KindDriverOptions<O>) {
    const { driven, controller, store, metrics, logger, clock = () => performance.now() } = options;
    const { kind, reconciler, triggers = {} } = driven;
    this.#options = options;
    this.#clock = clock;
    this.#triggers = triggers;
    this.#objects = triggers.objects ?? { all: () => store.snapshot().of(kind), find: (of) => store.objectOf(kind, of) };
    this.#faults = new KindFaults({ kind: kind.name, logger, metrics, clock, retry: () => this.refresh() });
    controller.add(reconciler);
  }

  /** Looks at every object, and at what is left of objects that are gone. */
  refresh(): void {
    this.#refreshedAt = this.#clock();
    const before = [...this.#known.values()];
    this.#known.clear();
    for (const object of this.#faults.guard(() => this.#objects.all()) ?? []) this.#open(object);
    for (const of of this.#known.values()) this.#enqueue(of);
    // Objects that are gone, of which no change told.
    for (const of of before) if (!this.#known.has(refText(of))) this.#enqueue(of);
    for (const of of this.#options.store.faulty(this.#options.driven.kind)) this.#enqueue(of);
    this.#sweep();
  }

  /** Takes over what changed: looks at the objects that it concerns. */
  changed(changes: MeshChanges): void {
    const { kind } = this.#options.driven;
    const concerned = this.#concernedBy(changes);
    this.#faults.guard(() => this.#triggers.keepUp?.(changes));
    for (const change of changes.of(kind)) this.#faults.guard(() => this.#changedItself(change));
    for (const of of concerned === "all" ? [...this.#known.values()] : concerned) this.#faults.guard(() => this.#look(of));
    for (const owner of changes.disturbed) if (owner.kind === kind.name) this.#disturbed(owner);
    for (const of of changes.faults.filter((each) => each.kind === kind.name)) this.#enqueue(of);
    if (this.#timer !== undefined) this.#schedule();
  }

  /** Takes over as the leader. The leader before may have left any work undone. */
  lead(): void {
    this.#faults.guard(() => this.#triggers.lead?.());
    this.refresh();
  }

  /** From now on objects are also looked at when time has passed, and when the kind asks for it. */
  async start(): Promise<void> {
    await this.#triggers.start?.();
    this.#schedule();
  }

  /** Resolves when nothing is under way that may ask for a run. */
  async idle(): Promise<void> {
    await this.#triggers.idle?.();
  }

  /** Asks for what is to be written at the end. The controller writes it when it is closed. */
  async close(): Promise<void> {
    for (const timer of [this.#timer, this.#sweeping]) clearInterval(timer);
    this.#timer = undefined;
    await this.#triggers.close?.();
    this.#faults.guard(() => this.#triggers.closing?.());
    this.#faults.close();
  }

  #schedule(): void {
    this.#sweeping ??= setInterval(() => this.#refreshOrSweep(), SWEEP_PAUSE).unref();
    const interval = this.#faults.guard(() => this.#triggers.interval?.()) ?? SWEEP_PAUSE;
    if (this.#timer !== undefined && interval === this.#interval) return;
    this.#interval = interval;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#faults.guard(() => this.#triggers.tick?.()), interval).unref();
  }

  /** At a pace of its own: a kind may have its ticks minutes apart. */
  #refreshOrSweep(): void {
    if (this.#clock() - this.#refreshedAt >= REFRESH_PAUSE) this.refresh();
    else this.#sweep();
  }

  /** The whole answer, before anything is brought up to date or looked at. */
  #concernedBy(changes: MeshChanges): readonly ObjectRef[] | "all" {
    const evaluate = (): readonly ObjectRef[] | "all" => {
      const concerned = this.#triggers.concernedBy?.(changes) ?? [];
      return typeof concerned === "string" ? concerned : [...concerned];
    };
    return this.#faults.guard(evaluate) ?? [];
  }

  #changedItself(change: ObjectChange<O>): void {
    const { after, isOurs = false } = change;
    const isNews = this.#triggers.isNews?.(change) ?? !isOurs;
    const object = objectOf(change);
    if (after !== undefined && !isNews) this.#open(after);
    else if (object !== undefined) this.#look(refOf(this.#options.driven.kind.name, object));
  }

  #disturbed(of: ObjectRef): void {
    this.#faults.guard(() => this.#triggers.disturbed?.(of));
    this.#enqueue(of);
  }

  #look(of: ObjectRef): void {
    const object = this.#objects.find(of);
    if (object === undefined) this.#known.delete(refText(of));
    else this.#open(object);
    this.#enqueue(of);
  }

  #open(object: O): void {
    const of = refOf(this.#options.driven.kind.name, object);
    this.#known.set(refText(of), of);
    this.#faults.guard(() => this.#triggers.open?.(object));
  }

  #enqueue(of: ObjectRef): void {
    this.#options.controller.enqueue(of);
  }

  /**
   * Objects that are gone, of which something is left. For a time it may be uncertain whether an
   * object is gone. When that becomes certain, no change tells of it.
   */
  #sweep(): void {
    for (const owner of this.#options.store.goneOwners(this.#options.driven.kind)) this.#enqueue(owner);
  }
}
