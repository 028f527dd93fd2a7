import {
  automaticFence,
  type Config,
  type FenceKey,
  FencelineError,
  formatFenceKey,
  isAutomatic,
  isOfStatus,
  NAMESPACE,
  objectOf,
  ownRevision,
  POD,
  SERVICE,
  SERVICE_FENCE,
} from "@fenceline/api";
import { RepeatPace, WorkQueue, type WorkQueueOptions, WRITTEN } from "@fenceline/control";
import { workloadLabels } from "@fenceline/render/fence";
import type { MeshChanges, Store } from "@fenceline/store";
import type { Logger } from "pino";
import type { Mesh } from "../mesh.ts";
import type { CollectorMetrics } from "../metrics.ts";
import { type FenceChange, fenceChanges } from "./fence-changes.ts";
import { PodValues } from "./pod-values.ts";
import { wantedFences } from "./wanted-fences.ts";

/** Dependencies and settings of {@link AutomaticFences}. */
export interface AutomaticFencesOptions {
  readonly store: Pick<Store, "fences" | "isKnown" | "snapshot" | "unread">;
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
   * Pauses before a retry, in milliseconds. Default: from 1 000 to 300 000, since the same fault
   * may concern thousands of Services.
   */
  readonly backoff?: WorkQueueOptions<unknown>["backoff"];
}

/** A change, and since when it has been wanted without interruption. */
interface Planned {
  readonly change: FenceChange;
  readonly since: number;
}

/** What is planned in one namespace. */
interface NamespacePlan {
  /** By the fence's key. */
  readonly changes: Map<string, Planned>;
  /** Since when its last delete has been wanted; undefined when there is none. */
  readonly shrinkingSince: number | undefined;
}

const GRACE = 5_000;
/** By how many milliseconds a create waits longer than a delete of the same namespace. */
const SUCCESSION = 500;
/** Before a fence is made again, in milliseconds. */
const REPEATED = { first: 1_000, longest: 60_000 };
const BACKOFF = { first: 1_000, longest: 300_000 };

/**
 * Makes a fence for each workload that is to have one automatically, and deletes those of workloads
 * that are to have none any more: observe → desired → plan → apply. Only where the store can make
 * fences. Each namespace is planned by itself, so a change concerns only its own namespace.
 *
 * What a fence has learned is deleted with it. So a delete waits. A Service may be replaced by
 * deleting it and creating it again. A label may move from a Service to its Namespace, and we may
 * hear of the removal first. A create in the same namespace waits for the delete too: the new fence
 * may be for the same pods by the name of another Service, and then both would have a Sidecar for
 * them.
 */
export class AutomaticFences {
  readonly #options: AutomaticFencesOptions;
  readonly #clock: () => number;
  readonly #queue: WorkQueue<FenceKey>;
  /**
   * Pace of repeated creates in namespaces where we made fences. If a fence that we made is gone,
   * somebody deleted it.
   */
  readonly #paces = new Map<string, RepeatPace<string>>();
  /** The plans after the latest changes, of namespaces in which something is to be done. */
  readonly #plans = new Map<string, NamespacePlan>();
  /** Keys given to the queue. Changes may come many a second: they bring no retry forward. */
  readonly #pending = new Set<string>();
  /** Codes of errors that were warned of since nothing was left to do. */
  readonly #warned = new Set<string>();
  /** Namespaces whose plan leaves out fences because it is not known whether they exist. */
  readonly #unknown = new Set<string>();
  /** The pods that may get a fence without a Service. */
  readonly #pods: PodValues;
  #isClosed = false;

  constructor(options: AutomaticFencesOptions) {
    this.#options = options;
    const { clock = () => performance.now(), backoff = BACKOFF, store, config } = options;
    this.#pods = new PodValues(config.automaticFences.podLabel.key, store.snapshot().of(POD));
    this.#clock = clock;
    this.#queue = new WorkQueue({
      work: (key) => this.#work(key),
      onError: (key, error) => this.#warn(key, error),
      share: ({ namespace }) => namespace,
      backoff,
    });
  }

  /** Looks at every namespace. */
  refresh(): void {
    const mesh = this.#options.mesh();
    const inhabited = [...mesh.registry.services(), ...mesh.fences()].map(({ metadata }) => metadata.namespace);
    this.#replan(new Set([...inhabited, ...this.#pods.namespaces(), ...this.#plans.keys()]));
  }

  /** Takes over changes that may affect which fences are wanted. */
  changed(changes: MeshChanges): void {
    const touched = this.#pods.apply(changes.of(POD));
    // Statuses are written all the time, and do not affect which fences are wanted.
    const own = changes
      .of(SERVICE_FENCE)
      .filter((change) => !isOfStatus(change))
      .flatMap((change) => objectOf(change) ?? []);
    if (this.#options.config.automaticFences.create === "Off") {
      // Fences that come from elsewhere, such as from a backup, are deleted.
      this.#replan(new Set(own.filter(({ metadata }) => isAutomatic(metadata.labels)).map(({ metadata }) => metadata.namespace)));
      return;
    }
    // Which namespaces belong to the system.
    if (changes.meshConfigs.length > 0) {
      this.refresh();
      return;
    }
    // Any change may tell what was not known before.
    const concerned = new Set([...this.#unknown, ...touched]);
    for (const { metadata } of own) concerned.add(metadata.namespace);
    for (const change of changes.of(SERVICE)) concerned.add(objectOf(change)?.metadata.namespace ?? "");
    for (const change of changes.of(NAMESPACE)) concerned.add(objectOf(change)?.metadata.name ?? "");
    this.#replan(concerned);
  }

  /** Resolves when everything is done, except what still has to wait. */
  idle(): Promise<void> {
    return this.#queue.idle();
  }

  /** Waits for writes that are under way; the next leader does the rest. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#queue.close();
  }

  #replan(namespaces: ReadonlySet<string>): void {
    if (this.#options.store.fences === undefined) return;
    for (const namespace of namespaces) this.#replanNamespace(namespace);
    if (this.#plans.size === 0) this.#warned.clear();
  }

  #replanNamespace(namespace: string): void {
    const before = this.#plans.get(namespace)?.changes;
    const changes = new Map<string, Planned>();
    let shrinkingSince: number | undefined;
    for (const change of this.#options.leads() ? this.#plan(namespace) : []) {
      const id = formatFenceKey(change.key);
      const known = before?.get(id);
      const planned = known !== undefined && isSame(known.change, change) ? known : { change, since: this.#clock() };
      changes.set(id, planned);
      if (change.action === "delete") shrinkingSince = Math.max(planned.since, shrinkingSince ?? planned.since);
    }
    if (changes.size === 0) this.#plans.delete(namespace);
    else this.#plans.set(namespace, { changes, shrinkingSince });
    // Only now every delete is known: a create waits for those of its namespace.
    for (const [id, { change }] of changes) this.#ask(id, change.key);
  }

  #ask(id: string, key: FenceKey): void {
    if (this.#pending.has(id)) return;
    this.#pending.add(id);
    this.#queue.add(id, key);
  }

  #plan(name: string): readonly FenceChange[] {
    const { store, mesh } = this.#options;
    const current = mesh();
    const { registry, config, discovery } = current;
    // A namespace that is being deleted takes nothing new, and its objects are deleted with it.
    if (current.isNamespaceEnding(name)) return [];
    const [fences, namespace] = [current.fencesIn(name), current.namespace(name)];
    const snapshot = {
      ...{ namespaces: namespace === undefined ? [] : [namespace], services: registry.servicesIn(name), fences },
      podValues: store.unread(POD) === undefined ? new Map([[name, this.#pods.in(name)]]) : ("unknown" as const),
    };
    const wanted = wantedFences({ snapshot, config, discovery, workloadOf: (fence) => workloadLabels(fence, registry, config) });
    const ids = new Set(wanted.fences.map(formatFenceKey));
    this.#paces.get(name)?.retain((id) => ids.has(id));
    if (ids.size === 0) this.#paces.delete(name);
    // While it is switched off, missing objects mean nothing.
    const isOff = config.automaticFences.create === "Off";
    if (snapshot.podValues === "unknown") this.#unknown.add(name);
    else this.#unknown.delete(name);
    const isKnown = (key: FenceKey) => {
      const known = isOff || store.isKnown(key);
      if (!known) this.#unknown.add(name);
      return known;
    };
    return fenceChanges({ wanted, present: fences, isKnown, revisions: config.revisions });
  }

  /**
   * Does what is planned for a name when it is due. Returns the pause in milliseconds when it has
   * to wait.
   */
  async #work(key: FenceKey): Promise<number | undefined> {
    const id = formatFenceKey(key);
    const plan = this.#plans.get(key.namespace);
    const planned = plan?.changes.get(id);
    if (plan === undefined || planned === undefined || this.#isClosed || !this.#options.leads()) {
      this.#pending.delete(id);
      return undefined;
    }
    const pause = this.#pauseBefore(planned, plan.shrinkingSince);
    if (pause > 0) return pause;
    await this.#apply(id, planned.change);
    const latest = this.#plans.get(key.namespace)?.changes;
    // Something else may have become wanted meanwhile.
    if (latest?.get(id) !== planned) return 0;
    latest.delete(id);
    if (latest.size === 0) this.#plans.delete(key.namespace);
    this.#pending.delete(id);
    return undefined;
  }

  #pauseBefore({ change, since }: Planned, shrinkingSince = Number.NEGATIVE_INFINITY): number {
    const { grace = GRACE } = this.#options;
    const now = this.#clock();
    if (change.action === "delete") return since + grace - now;
    const { namespace } = change.key;
    const pause = this.#paces.get(namespace)?.pause(formatFenceKey(change.key)) ?? 0;
    return Math.max(pause, shrinkingSince + grace + SUCCESSION - now);
  }

  #made({ namespace, name }: FenceKey): void {
    const pace = this.#paces.get(namespace) ?? new RepeatPace(REPEATED, this.#clock);
    this.#paces.set(namespace, pace);
    pace.made(formatFenceKey({ namespace, name }));
  }

  async #apply(id: string, change: FenceChange): Promise<void> {
    const { store, config, metrics, logger } = this.#options;
    const { action, key } = change;
    const isDone = await (change.action === "create"
      ? store.fences?.create(automaticFence(key, config.automaticFences.mode, ownRevision(config.revisions)))
      : store.fences?.delete(key, change.uid));
    if (action === "create") this.#made(key);
    if (!isDone) return;
    metrics.writes.inc({ kind: "ServiceFence", action });
    logger.info({ fence: id, kind: "ServiceFence", automatic: true }, WRITTEN[action]);
  }

  /** Thousands of fences may fail for one reason, which is logged once. */
  #warn(key: FenceKey, error: unknown): void {
    const code = error instanceof FencelineError ? error.code : "UNEXPECTED";
    if (code === "NOT_LEADER" || this.#warned.has(code)) return;
    this.#warned.add(code);
    this.#options.logger.warn(
      { fence: formatFenceKey(key), kind: "ServiceFence", automatic: true, err: error },
      "write failed, will retry",
    );
  }
}

function isSame(one: FenceChange, other: FenceChange): boolean {
  return one.action === other.action && (one.action === "create" || (other.action === "delete" && one.uid === other.uid));
}
