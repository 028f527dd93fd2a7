import { type ObjectRef, pauseAskedBy, refText, wordFor } from "@fenceline/api";
import { type Change, type Obstacle, type RenderedUpdate, type Store, writtenBy } from "@fenceline/store";
import type { Logger } from "pino";
import { BlockedWrites } from "./blocked-writes.ts";
import { changedParts } from "./changed-parts.ts";
import type { ControlMetrics } from "./control-metrics.ts";
import { Obstacles } from "./obstacles.ts";
import { waitsFor } from "./plan.ts";
import type { Reconciler } from "./reconciler.ts";
import { writeFailure } from "./write-failure.ts";

/** What the log says of a write that was made. */
export const WRITTEN = { create: "created", update: "updated", delete: "removed" } as const;

/** The part of a {@link Store} that a controller needs. */
export type ControlStore = Pick<Store, "ownedBy" | "apply" | "sidecars" | "shadows" | "writeStatus" | "deleteStatus" | "faultOf">;

/** What a {@link PlanWriter} works with. */
export interface PlanWriterOptions {
  readonly store: ControlStore;
  /** Of an object's kind. */
  readonly reconcilerOf: (of: ObjectRef) => Pick<Reconciler, "kind" | "statusDetails" | "statusTooLarge">;
  readonly metrics: ControlMetrics;
  readonly logger: Logger;
  /** Whether this replica may write rendered objects. */
  readonly leads: () => boolean;
  /**
   * Told of every write that has ended: how many milliseconds it took, with the pause that the API
   * server asks for, and how many writes were under way with it.
   */
  readonly onWrite: (took: number, inFlight: number) => void;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
}

/**
 * The only part of a controller that writes: carries out plans, keeps statuses, counts, and
 * remembers what stands in the way.
 */
export class PlanWriter {
  readonly #options: PlanWriterOptions;
  readonly #obstacles: Obstacles;
  readonly #blocked = new BlockedWrites();
  #inFlight = 0;

  constructor(options: PlanWriterOptions) {
    const { metrics, clock } = options;
    this.#options = options;
    this.#obstacles = new Obstacles({
      onChange: (owner, object, obstacle) => this.#tellObstacle(owner, object, obstacle),
      ...(clock && { clock }),
    });
    metrics.observeObstacles(() => this.#obstacles.all());
  }

  /**
   * Carries out a plan, as far as nothing stands in the way. Returns how many changes were made.
   *
   * @throws what the store throws, but not where leadership was lost meanwhile: the next leader
   * does what is left
   */
  async apply(owner: ObjectRef, changes: readonly Change[]): Promise<number> {
    this.#obstacles.clearOthers(owner, [owner, ...changes.map(writtenBy)]);
    let made = 0;
    const obstructed: Change[] = [];
    try {
      for (const change of changes) {
        if (obstructed.some((other) => waitsFor(change, other))) continue;
        if ((await this.#carryOut(change)) === undefined) made += 1;
        else obstructed.push(change);
      }
    } catch (error) {
      if (this.#options.leads()) throw error;
    }
    return made;
  }

  /**
   * Carries out the part of a change that only adds, as a replica that does not lead. Returns
   * whether anything was written: another replica may have added the same.
   */
  async widen(change: RenderedUpdate): Promise<boolean> {
    const { store } = this.#options;
    let isAdded = false;
    const onAdded = () => {
      isAdded = true;
    };
    await this.#attempt(change, async () => store.sidecars?.widen(change, onAdded));
    if (isAdded) this.#tellWritten(change);
    return isAdded;
  }

  /**
   * Keeps a status. False when something stands in the way; that must keep nobody from rendering.
   */
  async keepStatus(of: ObjectRef, status: object): Promise<boolean> {
    const { store, reconcilerOf, metrics, logger } = this.#options;
    // Times and counts change all the time, and change nothing about an obstacle.
    const obstacle = await this.#obstacles.attempt(of, of, "status", async () => {
      const refused = await store.writeStatus(of, status);
      if (refused?.reason === "WriteTooLarge") reconcilerOf(of).statusTooLarge?.(of);
      return refused;
    });
    if (obstacle !== undefined) return false;
    metrics.statusWrites.inc({ kind: of.kind });
    if (logger.isLevelEnabled("debug")) logger.debug({ ...this.#named(of), ...reconcilerOf(of).statusDetails?.(status) }, "status written");
    return true;
  }

  /** There is nothing to write into the status. */
  statusIsKept(of: ObjectRef): void {
    this.#obstacles.clear(of, of);
  }

  /** See {@link BlockedWrites.reason}. */
  blocked(wanting: number): string | undefined {
    if (!this.#options.leads()) return undefined;
    const ofRendered = this.#obstacles.byOwner().filter(({ owner, obstacle }) => refText(owner) !== refText(obstacle));
    return this.#blocked.reason(ofRendered, wanting);
  }

  /** What stands in the way of an owner's rendered objects. */
  obstacles(owner: ObjectRef): readonly Obstacle[] {
    const status = refText(owner);
    return this.#obstacles.of(owner).filter((obstacle) => refText(obstacle) !== status);
  }

  /**
   * How long until an owner is to be looked at again because of its obstacles, in milliseconds;
   * undefined when nothing stands in its way.
   */
  retryAfter(owner: ObjectRef): number | undefined {
    return this.#obstacles.retryAfter(owner);
  }

  async #carryOut(change: Change): Promise<Obstacle | undefined> {
    const obstacle = await this.#attempt(change, () => this.#options.store.apply(change));
    if (obstacle === undefined) this.#tellWritten(change);
    return obstacle;
  }

  async #attempt(change: Change, run: () => Promise<Obstacle | undefined>): Promise<Obstacle | undefined> {
    const { owner, action, object } = change;
    const failure = (error: unknown) => {
      this.#blocked.wrote(owner, true);
      return this.#failure(error, change);
    };
    const obstacle = await this.#obstacles.attempt(owner, writtenBy(change), { action, object }, () => this.#timed(run), failure);
    this.#blocked.wrote(owner, obstacle !== undefined);
    return obstacle;
  }

  #tellWritten(change: Change): void {
    const { metrics, logger } = this.#options;
    const { owner, action, object } = change;
    const { kind } = object;
    metrics.writes.inc({ kind, action });
    logger.info({ ...this.#named(owner), kind, ...changedParts(change) }, WRITTEN[action]);
  }

  /** What a write that threw says of its object: nothing where this replica leads no more. */
  #failure(error: unknown, change: Change): Obstacle | undefined {
    return this.#options.leads() ? writeFailure(error, writtenBy(change)) : undefined;
  }

  async #timed(run: () => Promise<Obstacle | undefined>): Promise<Obstacle | undefined> {
    const begin = performance.now();
    this.#inFlight += 1;
    let asked = 0;
    try {
      return await run();
    } catch (error) {
      asked = pauseAskedBy(error);
      throw error;
    } finally {
      this.#options.onWrite(performance.now() - begin + asked, this.#inFlight);
      this.#inFlight -= 1;
    }
  }

  #tellObstacle(owner: ObjectRef, { kind }: ObjectRef, obstacle: Obstacle | undefined): void {
    const { logger } = this.#options;
    const named = { ...this.#named(owner), kind };
    if (obstacle === undefined) logger.info(named, "write no longer blocked");
    else logger.warn({ ...named, reason: obstacle.reason, detail: obstacle.message }, "write blocked, action needed");
  }

  #named(of: ObjectRef): Readonly<Record<string, string>> {
    return namedIn(this.#options.reconcilerOf(of), of);
  }
}

/** The field that names an object in log lines: `fence: test1/a`. */
export function namedIn({ kind }: Pick<Reconciler, "kind">, { namespace, name }: ObjectRef): Readonly<Record<string, string>> {
  return { [wordFor(kind)]: `${namespace}/${name}` };
}
