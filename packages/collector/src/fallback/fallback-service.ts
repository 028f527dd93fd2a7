import {
  type Config,
  FencelineError,
  type ObjectChange,
  objectOf,
  SERVICE,
  SERVICE_ENTRY,
  type Service,
  type ServicePort,
} from "@fenceline/api";
import { RepeatPace, WorkQueue, type WorkQueueOptions } from "@fenceline/control";
import {
  DeclaredPorts,
  declaredNumbers,
  fallbackPorts,
  largestDeclarer,
  MOST_FALLBACK_PORTS,
  type PortDeclarer,
  undeclaredPorts,
} from "@fenceline/render/fallback";
import type { MeshChanges, MeshSnapshot, ServiceKey, Store } from "@fenceline/store";
import type { Logger } from "pino";
import type { Mesh } from "../mesh.ts";
import type { CollectorMetrics } from "../metrics.ts";
import { IdlePorts } from "./idle-ports.ts";

/** Dependencies and settings of a {@link FallbackService}. */
export interface FallbackServiceOptions {
  readonly store: Pick<Store, "snapshot" | "objectOf" | "ports" | "isKnown">;
  /** The latest mesh. */
  readonly mesh: () => Pick<Mesh, "isNamespaceEnding">;
  readonly config: Config;
  readonly metrics: CollectorMetrics;
  readonly logger: Logger;
  /** Whether this replica writes. */
  readonly leads: () => boolean;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
  /** Pauses before a retry. Default: those of {@link WorkQueue}. */
  readonly backoff?: WorkQueueOptions<unknown>["backoff"];
}

/** State of the Service's ports. */
export interface FallbackPortCounts {
  /** Ports that it has. */
  readonly declared: number;
  /** Missing ports that it should have. */
  readonly missing: number;
}

/** The Service of the fallback, and how it should change. */
interface FallbackPlan {
  readonly live: Service | undefined;
  /** Ports to add now. */
  readonly lacking: readonly ServicePort[];
  /** Numbers that cannot be added. */
  readonly omitted: readonly number[];
  /** Numbers that are removed to make room. */
  readonly givenUp: readonly number[];
}

/** Before a port is added again, in milliseconds. */
const REPEATED = { first: 1_000, longest: 30_000 };

/** Most ports that a warning names: there may be thousands. */
const PORTS_TO_NAME = 10;

/** Milliseconds until the next look for room, while some port has none. */
const LOOK_AGAIN = 60_000;

const NOTHING: FallbackPlan = { live: undefined, lacking: [], omitted: [], givenUp: [] };

/**
 * Keeps the ports of the fallback's Service up to date with the mesh: observe → desired → plan →
 * apply. Only where the store can add ports.
 */
export class FallbackService {
  readonly #options: FallbackServiceOptions;
  readonly #key: ServiceKey;
  readonly #queue: WorkQueue<ServiceKey>;
  /** If a port that we added is gone, somebody removed it. */
  readonly #pace: RepeatPace<number>;
  readonly #idle: IdlePorts;
  /** What Services and ServiceEntries of the mesh declare, after the latest changes. */
  readonly #declared: DeclaredPorts;
  /**
   * A write was asked for and is not done yet. Snapshots may come many times a second. They must
   * not bring a retry forward, nor ask for another run after a failed one.
   */
  #isPending = false;
  #look: NodeJS.Timeout | undefined;
  /** Numbers of the Service's ports in the latest plan; undefined when there is none. */
  #numbers: ReadonlySet<number> | undefined;
  /** The last warning, so that it is logged only once. */
  #trouble: string | undefined;

  constructor(options: FallbackServiceOptions) {
    this.#options = options;
    const { store, config, logger, clock = () => performance.now(), backoff } = options;
    this.#key = { namespace: config.namespace, name: config.fallback.service };
    this.#pace = new RepeatPace(REPEATED, clock);
    this.#idle = new IdlePorts(clock);
    this.#declared = new DeclaredPorts(store.ports === undefined ? [] : declarersIn(store.snapshot()), config);
    this.#queue = new WorkQueue({
      work: async () => {
        await this.#reconcile();
      },
      onError: (_key, error, retryAfter) => {
        const code = error instanceof FencelineError ? error.code : String(error);
        if (this.#isNews(code))
          logger.warn(
            { kind: "Service", service: this.#key, err: error, retryAfterMs: Math.round(retryAfter) },
            "write failed, will retry",
          );
      },
      ...(backoff && { backoff }),
    });
  }

  /** Looks at the latest snapshot. Nearly always there is nothing to do, which costs little. */
  refresh(): void {
    if (this.#options.store.ports === undefined) return;
    this.#watchIdle();
    if (!this.#mayWrite() || this.#isPending) return;
    const { live, lacking, omitted } = this.#plan();
    if (live === undefined) this.#tellBlocked("FallbackMissing", "the Service is not there", () => ({}));
    else if (omitted.length > 0)
      this.#tellBlocked("PortsFull", "it cannot have more ports: calls to unknown hosts on these are not caught", () => ({
        ports: omitted.slice(0, PORTS_TO_NAME),
        count: omitted.length,
        largest: largestDeclarer({ declared: this.#declared, live }),
      }));
    else if (lacking.length === 0) this.#trouble = undefined;
    this.#lookAgain(omitted.length > 0);
    if (lacking.length === 0) return;
    this.#isPending = true;
    this.#queue.add("ports", this.#key);
  }

  /** Takes over changes that may affect which ports are wanted. There are few. */
  changed(changes: Pick<MeshChanges, "of">): void {
    if (this.#options.store.ports === undefined) return;
    const declarers = [...changes.of(SERVICE), ...changes.of(SERVICE_ENTRY)];
    for (const change of declarers) this.#declared.changed(change);
    if (declarers.some((change) => this.#concerns(change))) this.refresh();
  }

  /** By the latest snapshot, on every replica. Both are 0 where the store cannot add ports. */
  counts(): FallbackPortCounts {
    if (this.#options.store.ports === undefined) return { declared: 0, missing: 0 };
    const { live, lacking, omitted } = this.#plan();
    return { declared: live?.spec.ports.length ?? 0, missing: lacking.length + omitted.length };
  }

  /** Resolves when everything that was asked for is done. */
  idle(): Promise<void> {
    return this.#queue.idle();
  }

  close(): Promise<void> {
    clearTimeout(this.#look);
    return this.#queue.close();
  }

  /**
   * Whether a change may affect which ports are wanted. While there is room, only new numbers
   * count, and nearly every object declares numbers that the Service has.
   */
  #concerns(change: ObjectChange<PortDeclarer>): boolean {
    const { namespace, name } = objectOf(change)?.metadata ?? {};
    const { after } = change;
    if (namespace === this.#key.namespace && name === this.#key.name) return true;
    if (this.#numbers === undefined || this.#numbers.size >= MOST_FALLBACK_PORTS) return true;
    return after !== undefined && declaredNumbers(after, this.#options.config).some((port) => this.#numbers?.has(port) !== true);
  }

  async #reconcile(): Promise<void> {
    const { lacking, givenUp } = this.#plan();
    if (this.#mayWrite() && lacking.length > 0) await this.#apply(this.#due(lacking), givenUp);
    this.#isPending = false;
    // For changes that came meanwhile.
    this.refresh();
  }

  async #apply(ports: readonly ServicePort[], givenUp: readonly number[]): Promise<void> {
    const { store, metrics, logger } = this.#options;
    const lacked = await store.ports?.add(this.#key, ports, givenUp);
    for (const { port } of ports) this.#pace.made(port);
    if (!lacked) return;
    metrics.writes.inc({ kind: "Service", action: "update" });
    logger.info({ kind: "Service", service: this.#key, ports: ports.map(({ port }) => port) }, "updated");
    if (givenUp.length > 0) logger.warn({ kind: "Service", service: this.#key, ports: givenUp }, "ports given up, others need the room");
  }

  /**
   * The ports that may be added now. Their pace is limited, since every change of this Service
   * reaches every fenced Envoy.
   *
   * @throws {FencelineError} `OBJECT_CONTESTED` when none may be added
   */
  #due(ports: readonly ServicePort[]): readonly ServicePort[] {
    const due = ports.filter(({ port }) => this.#pace.pause(port) <= 0);
    if (due.length > 0) return due;
    const message = `ports ${ports.map(({ port }) => port).join(", ")} were added, and somebody took them away`;
    throw new FencelineError("OBJECT_CONTESTED", { message, hint: "find who else writes the Service in its metadata.managedFields" });
  }

  /** Time alone may make room, and a quiet mesh brings no snapshot. */
  #lookAgain(isWanted: boolean): void {
    clearTimeout(this.#look);
    this.#look = isWanted ? setTimeout(() => this.refresh(), LOOK_AGAIN).unref() : undefined;
  }

  #plan(): FallbackPlan {
    const { config } = this.#options;
    const live = this.#live();
    this.#numbers = undefined;
    if (live === undefined) return NOTHING;
    this.#numbers = new Set(live.spec.ports.map(({ port }) => port));
    const { ports, omitted, givenUp = [] } = fallbackPorts({ declared: this.#declared, live, config, idle: this.#idle.due() });
    return { live, lacking: ports.filter((port) => !live.spec.ports.includes(port)), omitted, givenUp: givenUp.map(({ port }) => port) };
  }

  /** A Service in a namespace that is being deleted is left alone. */
  #mayWrite(): boolean {
    const { mesh, leads } = this.#options;
    return leads() && !mesh().isNamespaceEnding(this.#key.namespace);
  }

  #live(): Service | undefined {
    return this.#options.store.objectOf(SERVICE, this.#key);
  }

  /** Looked for only while all places are taken, and while it is known what exists. */
  #watchIdle(): void {
    const { store, config } = this.#options;
    const live = this.#live();
    const isFull = live !== undefined && live.spec.ports.length >= MOST_FALLBACK_PORTS && store.isKnown(this.#key);
    this.#idle.see(isFull ? undeclaredPorts({ declared: this.#declared, live, config }) : []);
  }

  #tellBlocked(reason: string, detail: string, more: () => object): void {
    const { logger } = this.#options;
    if (this.#isNews(reason))
      logger.warn({ kind: "Service", service: this.#key, reason, detail, ...more() }, "write blocked, action needed");
  }

  #isNews(trouble: string): boolean {
    const isNews = trouble !== this.#trouble;
    this.#trouble = trouble;
    return isNews;
  }
}

function declarersIn(snapshot: Pick<MeshSnapshot, "of">): readonly PortDeclarer[] {
  return [...snapshot.of(SERVICE), ...snapshot.of(SERVICE_ENTRY)];
}
