import {
  automaticFence,
  type Config,
  type FenceKey,
  FencelineError,
  formatFenceKey,
  isOfStatus,
  objectOf,
  type Service,
  type ServiceFence,
} from "@fenceline/api";
import { RepeatPace, WorkQueue, type WorkQueueOptions, WRITTEN } from "@fenceline/control";
import { workloadLabels } from "@fenceline/render";
import type { MeshChanges, Store } from "@fenceline/store";
import type { Logger } from "pino";
import type { Mesh } from "../mesh.ts";
import type { CollectorMetrics } from "../metrics.ts";
import { type FenceChange, planFences } from "./plan.ts";
import { wantedFences } from "./wanted-fences.ts";

/** What {@link AutomaticFences} works with. */
export interface AutomaticFencesOptions {
  readonly store: Pick<Store, "snapshot" | "fences" | "isCertain">;
  readonly mesh: () => Mesh;
  readonly config: Config;
  readonly metrics: CollectorMetrics;
  readonly logger: Logger;
  /** Whether this replica writes. */
  readonly leads: () => boolean;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
  /** How long a fence must not be wanted before it is deleted, in milliseconds. Default 5 000. */
  readonly grace?: number;
  /**
   * Pauses before a retry, in milliseconds. Default: from 1 000 to 300 000, since what fails may
   * fail for thousands of Services.
   */
  readonly backoff?: WorkQueueOptions<unknown>["backoff"];
}

/** A change, and since when it is wanted without a break. */
interface Planned {
  readonly change: FenceChange;
  readonly since: number;
}

const GRACE = 5_000;
/** How much longer than a delete a create of the same namespace waits, in milliseconds. */
const SUCCESSION = 500;
/** Before a fence is made again, in milliseconds. */
const REPEATED = { first: 1_000, longest: 60_000 };
const BACKOFF = { first: 1_000, longest: 300_000 };

/**
 * Makes the fences of workloads that are to have one by themselves, and deletes those that are to
 * have none any more: observe → desired → plan → apply. Only where the store can make fences.
 *
 * What a fence has learned goes with it. So a delete waits: a Service is replaced by deleting it
 * and making it anew, and a label moves from a Service to its Namespace, of which we may hear first
 * of the one that takes away. A create in the same namespace waits for it too: it may be for the
 * same pods, by the name of another Service that selects them, and two fences would each have a
 * Sidecar for them.
 */
export class AutomaticFences {
  readonly #options: AutomaticFencesOptions;
  readonly #clock: () => number;
  readonly #queue: WorkQueue<string>;
  /** One that we made and that is gone again was deleted by somebody. */
  readonly #pace: RepeatPace<string>;
  /** As of the latest changes. */
  readonly #planned = new Map<string, Planned>();
  /** Namespaces in which something is to be deleted, and since when. */
  readonly #shrinking = new Map<string, number>();
  /** Given to the queue. Snapshots may come many a second: they bring no retry forward. */
  readonly #pending = new Set<string>();
  /** Codes that were warned of since everything was last as it should be. */
  readonly #warned = new Set<string>();
  /** The latest plan leaves something out of which it is not certain whether it exists. */
  #isUncertain = false;
  #isClosed = false;

  constructor(options: AutomaticFencesOptions) {
    this.#options = options;
    const { clock = () => performance.now(), backoff = BACKOFF } = options;
    this.#clock = clock;
    this.#pace = new RepeatPace(REPEATED, clock);
    this.#queue = new WorkQueue({ work: (id) => this.#work(id), onError: (id, error) => this.#warn(id, error), backoff });
  }

  /** Looks at the latest snapshot, as a whole. */
  refresh(): void {
    this.#refresh(undefined);
  }

  /** Takes over what changed, where it may have other fences wanted. */
  changed({ services, namespaces, fences, meshConfigs }: MeshChanges): void {
    // What is not certain may become so by any change.
    if (meshConfigs.length > 0 || this.#isUncertain) {
      this.refresh();
      return;
    }
    const concerned = new Set<string>();
    for (const change of services) concerned.add(objectOf(change)?.metadata.namespace ?? "");
    // Statuses are written all the time, and none has other fences wanted.
    for (const change of fences) if (!isOfStatus(change)) concerned.add(objectOf(change)?.metadata.namespace ?? "");
    for (const change of namespaces) concerned.add(objectOf(change)?.metadata.name ?? "");
    if (concerned.size > 0) this.#refresh(concerned);
  }

  /** Resolves when everything is done that need not wait. */
  idle(): Promise<void> {
    return this.#queue.idle();
  }

  /** Lets writes that are under way finish; what is not begun is the next leader's. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#queue.close();
  }

  /** @param namespaces where something changed. Undefined: anywhere */
  #refresh(namespaces: ReadonlySet<string> | undefined): void {
    const { store, leads } = this.#options;
    if (store.fences === undefined) return;
    const isConcerned = (namespace: string) => namespaces === undefined || namespaces.has(namespace);
    const before = new Map([...this.#planned].filter(([, { change }]) => isConcerned(change.key.namespace)));
    for (const [id, { change }] of before) {
      this.#planned.delete(id);
      this.#shrinking.delete(change.key.namespace);
    }
    const plan = leads() ? this.#plan(isConcerned) : [];
    for (const change of plan) {
      const id = formatFenceKey(change.key);
      const known = before.get(id);
      const planned = known !== undefined && isSame(known.change, change) ? known : { change, since: this.#clock() };
      this.#planned.set(id, planned);
      if (change.action === "delete") this.#shrinks(change.key.namespace, planned.since);
    }
    // Now that every delete is known: a create waits for those of its namespace.
    for (const { key } of plan) this.#ask(formatFenceKey(key));
    if (this.#planned.size === 0) this.#warned.clear();
  }

  #ask(id: string): void {
    if (this.#pending.has(id)) return;
    this.#pending.add(id);
    this.#queue.add(id, id);
  }

  #shrinks(namespace: string, since: number): void {
    this.#shrinking.set(namespace, Math.max(since, this.#shrinking.get(namespace) ?? since));
  }

  #plan(isConcerned: (namespace: string) => boolean): readonly FenceChange[] {
    const { store, mesh } = this.#options;
    const { services, fences, namespaces } = store.snapshot();
    const { registry, config } = mesh();
    const isHere = ({ metadata }: Service | ServiceFence) => isConcerned(metadata.namespace);
    const present = fences.filter(isHere);
    const snapshot = { namespaces, services: services.filter(isHere), fences: present };
    const wanted = wantedFences({ snapshot, config, workloadOf: (fence) => workloadLabels(fence, registry, config) });
    const ids = new Set(wanted.fences.map(formatFenceKey));
    this.#pace.retain((id) => ids.has(id) || !isConcerned(id.slice(0, id.indexOf("/"))));
    // Switched off is switched off: nothing is concluded from what is not there.
    const isOff = config.automaticFences.create === "Off";
    this.#isUncertain = false;
    const isCertain = (key: FenceKey) => {
      const certain = isOff || store.isCertain(key);
      if (!certain) this.#isUncertain = true;
      return certain;
    };
    return planFences({ wanted, present, isCertain });
  }

  /**
   * Does what is planned for a name when its turn comes. Returns a pause when it has to wait, in
   * milliseconds.
   */
  async #work(id: string): Promise<number | undefined> {
    const planned = this.#planned.get(id);
    if (planned === undefined || this.#isClosed || !this.#options.leads()) {
      this.#pending.delete(id);
      return undefined;
    }
    const pause = this.#pauseBefore(id, planned);
    if (pause > 0) return pause;
    await this.#apply(id, planned.change);
    // Something else may be wanted since.
    if (this.#planned.get(id) !== planned) return 0;
    this.#planned.delete(id);
    this.#pending.delete(id);
    return undefined;
  }

  #pauseBefore(id: string, { change, since }: Planned): number {
    const { grace = GRACE } = this.#options;
    const now = this.#clock();
    if (change.action === "delete") return since + grace - now;
    const shrinkingSince = this.#shrinking.get(change.key.namespace) ?? Number.NEGATIVE_INFINITY;
    return Math.max(this.#pace.pause(id), shrinkingSince + grace + SUCCESSION - now);
  }

  async #apply(id: string, change: FenceChange): Promise<void> {
    const { store, config, metrics, logger } = this.#options;
    const { action, key } = change;
    const isDone = await (change.action === "create"
      ? store.fences?.create(automaticFence(key, config.automaticFences.mode))
      : store.fences?.delete(key, change.uid));
    if (action === "create") this.#pace.made(id);
    if (!isDone) return;
    metrics.writes.inc({ kind: "ServiceFence", action });
    logger.info({ fence: id, kind: "ServiceFence", automatic: true }, WRITTEN[action]);
  }

  /** Thousands of fences may fail for one reason, which is said once. */
  #warn(id: string, error: unknown): void {
    const code = error instanceof FencelineError ? error.code : "UNEXPECTED";
    if (code === "NOT_LEADER" || this.#warned.has(code)) return;
    this.#warned.add(code);
    this.#options.logger.warn({ fence: id, kind: "ServiceFence", automatic: true, err: error }, "write failed, will retry");
  }
}

function isSame(one: FenceChange, other: FenceChange): boolean {
  return one.action === other.action && (one.action === "create" || (other.action === "delete" && one.uid === other.uid));
}
