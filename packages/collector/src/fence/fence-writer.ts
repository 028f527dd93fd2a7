import { type FenceKey, fenceRef, formatFenceKey, type ServiceFenceStatus } from "@fenceline/api";
import type { Change, Obstacle, Store } from "@fenceline/store";
import type { Logger } from "pino";
import type { CollectorMetrics } from "../metrics.ts";
import { Obstacles } from "./obstacles.ts";

/** What a {@link FenceWriter} works with. */
export interface FenceWriterOptions {
  readonly store: Store;
  readonly metrics: CollectorMetrics;
  readonly logger: Logger;
  /** Whether this replica may write rendered objects. */
  readonly leads: () => boolean;
}

/** What the log says of a write that was made. */
export const WRITTEN = { create: "created", update: "updated", delete: "removed" } as const;

const RENDERED_KINDS = ["EnvoyFilter", "Sidecar"] as const;

/**
 * The only part of the controller that writes: carries out plans, keeps statuses, counts, and
 * remembers what stands in the way.
 */
export class FenceWriter {
  readonly #options: FenceWriterOptions;
  readonly #obstacles: Obstacles;

  constructor(options: FenceWriterOptions) {
    const { logger, metrics } = options;
    this.#options = options;
    this.#obstacles = new Obstacles({
      onChange: (key, kind, obstacle) => {
        const fence = formatFenceKey(key);
        if (obstacle === undefined) logger.info({ fence, kind }, "write no longer blocked");
        else logger.warn({ fence, kind, reason: obstacle.reason, detail: obstacle.message }, "write blocked, action needed");
      },
    });
    metrics.observeObstacles(() => this.#obstacles.all());
  }

  /**
   * Carries out a plan, as far as nothing stands in the way. Returns how many changes were made.
   *
   * @throws what the store throws; not when leadership was lost meanwhile: what is left undone is
   * then the next leader's to do
   */
  async apply(key: FenceKey, changes: readonly Change[]): Promise<number> {
    for (const kind of RENDERED_KINDS) if (!changes.some(({ object }) => object.kind === kind)) this.#obstacles.clear(key, kind);
    let made = 0;
    let isHeld = false;
    try {
      for (const change of changes) {
        // A new Sidecar would hide hosts while nothing catches the calls to them. One that is there
        // is kept up to date all the same.
        if (isHeld && change.action === "create") continue;
        const obstacle = await this.#obstacles.attempt(key, change.object.kind, change, () => this.#options.store.apply(change));
        if (obstacle !== undefined) isHeld = true;
        else {
          made += 1;
          this.#tell(key, change);
        }
      }
    } catch (error) {
      if (this.#options.leads()) throw error;
    }
    return made;
  }

  /**
   * Keeps a status. False when something stands in the way; that must keep nobody from rendering.
   */
  async keepStatus(key: FenceKey, status: ServiceFenceStatus): Promise<boolean> {
    const { store, metrics, logger } = this.#options;
    // Times and counts change all the time, and change nothing about an obstacle.
    const obstacle = await this.#obstacles.attempt(key, "ServiceFence", "status", () => store.writeStatus(fenceRef(key), status));
    if (obstacle === undefined) {
      metrics.statusWrites.inc();
      if (logger.isLevelEnabled("debug"))
        logger.debug({ fence: formatFenceKey(key), hosts: Object.keys(status.domains).length }, "status written");
    }
    return obstacle === undefined;
  }

  /** There is nothing to write into the status. */
  statusIsKept(key: FenceKey): void {
    this.#obstacles.clear(key, "ServiceFence");
  }

  /** What stands in the way of the fence's rendered objects. */
  obstacles(key: FenceKey): readonly Obstacle[] {
    return this.#obstacles.of(key).filter(({ kind }) => kind !== "ServiceFence");
  }

  /**
   * How long until the fence is to be looked at again because of its obstacles, in milliseconds.
   */
  retryAfter(key: FenceKey): number | undefined {
    return this.#obstacles.retryAfter(key);
  }

  #tell(key: FenceKey, { action, object }: Change): void {
    const { metrics, logger } = this.#options;
    const { kind } = object;
    metrics.writes.inc({ kind, action });
    const hosts = "spec" in object && object.kind === "Sidecar" ? object.spec.egress[0]?.hosts : undefined;
    logger.info({ fence: formatFenceKey(key), kind, ...(hosts && { hosts }) }, WRITTEN[action]);
  }
}
