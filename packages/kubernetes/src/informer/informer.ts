import { Backoff, FencelineError } from "@fenceline/api";
import { hasStatus } from "../api/api-error.ts";
import { keyText, type ObjectKey } from "../api/resource.ts";
import { readWireObject, type WireObject } from "../api/wire-object.ts";
import { type Clock, monotonicClock } from "../clock.ts";
import { type FailureReason, failureReason, type InformerHealth, type InformerState, noCounts } from "./informer-health.ts";
import { listPages, type Selection } from "./list-pages.ts";
import { type CacheEntry, isNewer, ObjectCache, type ObjectEvent } from "./object-cache.ts";
import { LONGEST_PAUSE, LONGEST_UNAVAILABLE_PAUSE, PAUSES, SHORTEST_PAUSE } from "./pauses.ts";
import { BrokenEvent, watchEvents } from "./watch-events.ts";

/** Settings of an {@link Informer}. */
export interface InformerOptions<T> extends Selection {
  /**
   * Cuts an object down to what is needed, given its last valid version. A throw means that it is
   * not valid: it is counted and kept out.
   */
  readonly parse: (object: WireObject, previous: T | undefined) => T;
  /** Told of every change, in order. A throw is counted and reported, and disturbs nothing. */
  readonly onEvent: (event: ObjectEvent<T>) => void;
  /** Told of each trouble once, until it is another one or was over in between. */
  readonly onTrouble: (error: FencelineError) => void;
  readonly clock?: Clock;
  /** Between 0 and 1. Default `Math.random`. */
  readonly random?: () => number;
  /**
   * How often every object is told again as `resync`, in milliseconds; shortened by up to a tenth
   * at random. Default ten minutes.
   */
  readonly resyncInterval?: number;
}

/**
 * Length of a watch in seconds: between these two at random, so that the watches of many clients do
 * not end together.
 */
const SHORTEST_WATCH = 240;
const LONGEST_WATCH = 300;
/**
 * A watch that the server did not end itself is cut so much later, in milliseconds: then the
 * connection is dead, whatever TCP says.
 */
const WATCH_GRACE = 15_000;
/**
 * A watch that lived so long, in milliseconds, was healthy: the next one follows without a pause.
 */
const HEALTHY_WATCH = 5_000;
/**
 * Failures in a row after which the version to resume from is given up: after a restore from a
 * backup the server may never reach it.
 */
const FAILURES_BEFORE_LIST = 3;
const RESYNC_INTERVAL = 600_000;

/**
 * Keeps a copy of all objects of one kind: a list, then watches that each go on where the last one
 * ended.
 *
 * It never gives up and never spins. Whatever happens, what is known stays in force until a
 * complete list says otherwise: an API server that is down, starts up (and does not know its CRDs
 * yet) or forgot our permissions must not look like an empty mesh.
 */
export class Informer<T> {
  readonly #options: InformerOptions<T>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #cache: ObjectCache<T>;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  readonly #settled = Promise.withResolvers<void>();
  readonly #counts = noCounts();
  #running: Promise<unknown> | undefined;
  #state: InformerState = "starting";
  #trouble: string | undefined;
  #failure: FailureReason | undefined;
  #contactAt: number | undefined;
  #synced = false;
  /** Where the next watch goes on; undefined when a list has to come first. */
  #resourceVersion: string | undefined;
  #listedAt = Number.NEGATIVE_INFINITY;
  #watchingSince: number | undefined;

  constructor(options: InformerOptions<T>) {
    const { clock = monotonicClock, random = Math.random } = options;
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.#backoff = new Backoff(PAUSES, random);
    this.#cache = new ObjectCache({
      parse: options.parse,
      onInvalid: (object, error) => {
        this.#counts.invalidVersions += 1;
        this.#tell(error, "OBJECT_INVALID", keyText(object.metadata));
      },
    });
  }

  start(): void {
    this.#running ??= Promise.all([this.#run(), this.#resync()]);
  }

  /**
   * Resolves when the first list is complete, or when it is known that there can be none for now
   * (403, 404).
   */
  settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Ends the watch. Nothing is told any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#settled.resolve();
    await this.#running;
  }

  /** Whether a list was ever complete: only then does a missing object mean that there is none. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Whether the API server is known not to have the kind. */
  get absent(): boolean {
    return this.#state === "unavailable" && this.#failure === "absent";
  }

  /** Whether an object that is not among the valid ones does not exist. */
  isCertain(key: ObjectKey): boolean {
    const entry = this.get(key);
    return this.#synced && (entry === undefined || entry.value !== undefined);
  }

  objects(): T[] {
    return this.#cache.values();
  }

  /**
   * The object, with its uid and version; its value is undefined when no version of it was ever
   * valid.
   */
  get(key: ObjectKey): CacheEntry<T> | undefined {
    return this.#cache.get(keyText(key));
  }

  /**
   * Takes the answer to a write of ours, so that the next look already shows it. The event that
   * follows is then a repetition.
   *
   * An answer that the watch has overtaken is of no use: the object may have been deleted since.
   */
  absorb(answer: unknown): void {
    const object = readWireObject(answer, this.#options.resource);
    if (object === undefined) return;
    if (this.#resourceVersion !== undefined && !isNewer(object.metadata.resourceVersion, this.#resourceVersion)) return;
    this.#emit(this.#cache.fromEvent(object));
  }

  /** Takes note that an object was deleted by us. */
  forget(key: ObjectKey & { readonly uid: string }): void {
    const { namespace, name, uid } = key;
    this.#emit(this.#cache.delete({ metadata: { ...(namespace !== undefined && { namespace }), name, uid, resourceVersion: "" } }));
  }

  health(): InformerHealth {
    const { kind, apiVersion } = this.#options.resource;
    return {
      kind,
      apiVersion,
      state: this.#state,
      reason: this.#state === "watching" ? undefined : this.#trouble,
      absent: this.absent,
      contactAge: this.#contactAt === undefined ? undefined : this.#clock.now() - this.#contactAt,
      synced: this.#synced,
      objects: this.#cache.size,
      invalid: this.#cache.invalid(),
      counts: structuredClone(this.#counts),
    };
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const pause = await this.#cycle();
      if (pause > 0) await this.#sleep(pause);
    }
  }

  /**
   * A pause ends early when any request of this process was answered again: not at once, as all
   * informers hear it together.
   */
  async #sleep(pause: number): Promise<void> {
    const back = new AbortController();
    const forget = this.#options.api.reachability.onBack(() => back.abort());
    await this.#clock.sleep(pause, AbortSignal.any([this.#stop.signal, back.signal]));
    forget();
    if (back.signal.aborted) await this.#clock.sleep(Math.min(pause, SHORTEST_PAUSE) * (0.5 + this.#random() / 2), this.#stop.signal);
  }

  /** One list, if need be, and one watch. Returns the pause before the next, in milliseconds. */
  async #cycle(): Promise<number> {
    this.#watchingSince = undefined;
    try {
      if (this.#resourceVersion === undefined) await this.#list();
      await this.#watch();
      return this.#wasHealthy() ? 0 : this.#backoff.next();
    } catch (error) {
      return this.#stop.signal.aborted ? 0 : this.#failed(error);
    }
  }

  async #list(): Promise<void> {
    this.#listedAt = this.#clock.now();
    this.#counts.lists += 1;
    const seen = new Set<string>();
    const take = (object: WireObject) => {
      seen.add(keyText(object.metadata));
      this.#emit(this.#cache.fromList(object));
    };
    const version = await listPages(this.#options, take, this.#stop.signal);
    this.#emit(this.#cache.retain(seen));
    this.#resourceVersion = version;
    this.#contactAt = this.#clock.now();
    this.#synced = true;
    this.#settled.resolve();
  }

  async #watch(): Promise<void> {
    const timeoutSeconds = Math.round(SHORTEST_WATCH + this.#random() * (LONGEST_WATCH - SHORTEST_WATCH));
    const end = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, end.signal]);
    void this.#clock.sleep(timeoutSeconds * 1_000 + WATCH_GRACE, signal).then(() => end.abort());
    this.#counts.watches += 1;
    const options = { resourceVersion: this.#resourceVersion ?? "", timeoutSeconds, signal, onOpen: () => this.#watching() };
    try {
      for await (const event of watchEvents(this.#options, options)) {
        if (this.#stop.signal.aborted) return;
        this.#contactAt = this.#clock.now();
        if (event.type === "BOOKMARK") this.#resourceVersion = event.resourceVersion;
        else this.#take(event);
      }
    } finally {
      end.abort();
    }
  }

  #take({ type, object }: { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: WireObject }): void {
    this.#emit(type === "DELETED" ? this.#cache.delete(object) : this.#cache.fromEvent(object));
    this.#resourceVersion = object.metadata.resourceVersion;
  }

  #watching(): void {
    this.#watchingSince = this.#clock.now();
    this.#contactAt = this.#watchingSince;
    this.#state = "watching";
  }

  /**
   * Quiet or not: a watch that stood for a while was a good one. Counting events instead would make
   * quiet kinds blind for half a minute.
   */
  #wasHealthy(): boolean {
    if (this.#watchingSince === undefined || this.#clock.now() - this.#watchingSince < HEALTHY_WATCH) return false;
    this.#backoff.reset();
    this.#trouble = undefined;
    return true;
  }

  #failed(error: unknown): number {
    const healthy = this.#wasHealthy();
    if (error instanceof BrokenEvent || hasStatus(error, 410)) return this.#listAgain(error);
    this.#failure = failureReason(error);
    this.#counts.failures[this.#failure] += 1;
    const isUnavailable = hasStatus(error, 403, 404);
    this.#state = isUnavailable ? "unavailable" : "disconnected";
    if (isUnavailable) this.#settled.resolve();
    this.#tell(error, "INFORMER_FAILED");
    // A server that is down or overloaded says nothing about our version, and must not be met by
    // lists of everything when it is back.
    const isBlameless = hasStatus(error, 0, 401, 403, 404, 429, 503);
    if (!healthy && !isBlameless && this.#backoff.failures >= FAILURES_BEFORE_LIST) this.#resourceVersion = undefined;
    return Math.max(this.#backoff.next(isUnavailable ? LONGEST_UNAVAILABLE_PAUSE : LONGEST_PAUSE), retryAfterOf(error));
  }

  /**
   * The watch cannot go on. A list follows at once, unless the last one is so recent that this may
   * be a loop.
   */
  #listAgain(error: FencelineError): number {
    this.#resourceVersion = undefined;
    this.#state = "disconnected";
    if (error instanceof BrokenEvent) {
      this.#counts.brokenLines += 1;
      this.#tell(error, "WATCH_EVENT_BROKEN");
    } else {
      // No trouble: every version grows too old one day.
      this.#counts.gone += 1;
      this.#trouble = error.message;
    }
    return this.#clock.now() - this.#listedAt >= LONGEST_PAUSE ? 0 : this.#backoff.next();
  }

  async #resync(): Promise<void> {
    const { resyncInterval = RESYNC_INTERVAL } = this.#options;
    for (;;) {
      await this.#clock.sleep(resyncInterval * (1 - this.#random() / 10), this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      this.#emit(this.#cache.values().map((object) => ({ type: "resync", object })));
    }
  }

  #emit(events: readonly ObjectEvent<T>[]): void {
    for (const event of events) {
      if (this.#stop.signal.aborted) return;
      try {
        this.#options.onEvent(event);
      } catch (error) {
        this.#counts.handlerErrors += 1;
        this.#tell(error, "HANDLER_FAILED");
      }
    }
  }

  #tell(error: unknown, code: string, object?: string): void {
    const message = error instanceof Error ? error.message : String(error);
    if (this.#trouble === message) return;
    this.#trouble = message;
    const { kind } = this.#options.resource;
    const at = { object: object === undefined ? kind : `${kind} ${object}` };
    this.#options.onTrouble(error instanceof FencelineError ? error : new FencelineError(code, { at, message, cause: error }));
  }
}

function retryAfterOf(error: unknown): number {
  return hasStatus(error, 429, 503) ? (error.retryAfter ?? 0) : 0;
}
