import { Backoff, type FencelineError } from "@fenceline/api";
import { hasStatus } from "../client/api-error.ts";
import { keyText, type ObjectKey, type Resource } from "../client/resource.ts";
import { readWireObject, type WireObject } from "../client/wire-object.ts";
import { type Clock, monotonicClock } from "../clock.ts";
import type { InformerHealth } from "./informer-health.ts";
import { InformerRecord } from "./informer-record.ts";
import { listPages, type Selection } from "./list-pages.ts";
import { type CacheEntry, isNewer, ObjectCache, type ObjectCacheOptions, type ObjectEvent } from "./object-cache.ts";
import { LONGEST_PAUSE, LONGEST_UNAVAILABLE_PAUSE, PAUSES, retryAfterOf, SHORTEST_PAUSE } from "./pauses.ts";
import { ServedVersion } from "./served-version.ts";
import { BrokenEvent, watchEvents } from "./watch-events.ts";

/** Settings of an {@link Informer}. */
export interface InformerOptions<T> extends Selection, Pick<ObjectCacheOptions<T>, "salvage" | "onGone"> {
  /**
   * Reduces an object to what is needed, given its last valid version. When it throws, the object
   * is not valid: it is counted, and not used.
   */
  readonly parse: (object: WireObject, previous: T | undefined) => T;
  /** Called for every change, in order. What it throws is counted and reported. */
  readonly onEvent: (event: ObjectEvent<T>) => void;
  /** Called once for each trouble, until another one comes or this one was over in between. */
  readonly onTrouble: (error: FencelineError) => void;
  readonly clock?: Clock;
  /** Between 0 and 1. Default `Math.random`. */
  readonly random?: () => number;
  /**
   * Interval in milliseconds in which every object is told again as `resync`, less a random part of
   * up to a tenth. Default ten minutes.
   */
  readonly resyncInterval?: number;
}

/**
 * Shortest and longest watch in seconds. The length is random, so that the watches of many clients
 * do not end together.
 */
const SHORTEST_WATCH = 240;
const LONGEST_WATCH = 300;
/**
 * Milliseconds after the end of its time until a watch is closed that the server did not end: its
 * connection is dead.
 */
const WATCH_GRACE = 15_000;
/** A watch that lasted this many milliseconds was healthy: the next one follows without a pause. */
const HEALTHY_WATCH = 5_000;
/**
 * Consecutive failures after which the informer no longer resumes from its version, but lists. A
 * server that was restored from a backup may never reach the version.
 */
const FAILURES_BEFORE_LIST = 3;
const RESYNC_INTERVAL = 600_000;

/**
 * Keeps a copy of all objects of one kind: a list, then watches, each from where the last one
 * ended.
 *
 * It never gives up, and never retries without a pause. What is known stays in force until a
 * complete list says otherwise. An API server that is down, does not know its CRDs yet, or has lost
 * our rights must not look like an empty mesh.
 */
export class Informer<T> {
  readonly #options: InformerOptions<T>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #cache: ObjectCache<T>;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  readonly #settled = Promise.withResolvers<void>();
  readonly #record: InformerRecord;
  readonly #version: ServedVersion;
  #running: Promise<unknown> | undefined;
  /** The version from which the next watch goes on; undefined when a list has to come first. */
  #resourceVersion: string | undefined;
  #listedAt = Number.NEGATIVE_INFINITY;
  #watchingSince: number | undefined;

  constructor(options: InformerOptions<T>) {
    const { clock = monotonicClock, random = Math.random } = options;
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.#backoff = new Backoff(PAUSES, random);
    this.#record = new InformerRecord(options.resource, options.onTrouble);
    this.#version = new ServedVersion(options.resource);
    this.#cache = new ObjectCache({
      parse: options.parse,
      ...{ salvage: options.salvage, onGone: options.onGone },
      onInvalid: (object, error) => this.#record.invalid(error, keyText(object.metadata)),
    });
  }

  start(): void {
    this.#running ??= Promise.all([this.#run(), this.#resync()]);
  }

  /**
   * Resolves when the first list is complete, or when the server has answered that there is none
   * for now (403, 404).
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

  /** The resource, in the version that is read. */
  get resource(): Resource {
    return this.#version.resource;
  }

  /** Whether a list was ever complete: only then does a missing object mean that there is none. */
  get synced(): boolean {
    return this.#record.synced;
  }

  /** Whether the API server is known not to have the kind. */
  get absent(): boolean {
    return this.#record.absent;
  }

  /** Whether it is known that there is a valid object, or that there is none. */
  isKnown(key: ObjectKey): boolean {
    const entry = this.get(key);
    return this.synced && (entry === undefined || entry.value !== undefined);
  }

  objects(): T[] {
    return this.#cache.values();
  }

  /**
   * The object with its uid and version. Its value is undefined when no version of it was ever
   * valid.
   */
  get(key: ObjectKey): CacheEntry<T> | undefined {
    return this.#cache.get(keyText(key));
  }

  /**
   * Takes over the answer to a write of ours, so that it is visible at once. The event that follows
   * repeats it.
   *
   * An answer that is older than the watch is ignored: the object may have been deleted since.
   */
  absorb(answer: unknown): void {
    const object = readWireObject(answer, this.resource);
    if (object === undefined) return;
    if (this.#resourceVersion !== undefined && !isNewer(object.metadata.resourceVersion, this.#resourceVersion)) return;
    this.#emit(this.#cache.fromEvent(object));
  }

  /** Takes note that we deleted an object. */
  forget(key: ObjectKey & { readonly uid: string }): void {
    const { namespace, name, uid } = key;
    this.#emit(this.#cache.delete({ metadata: { ...(namespace !== undefined && { namespace }), name, uid, resourceVersion: "" } }));
  }

  health(): InformerHealth {
    return this.#record.health(this.#clock.now(), { objects: this.#cache.size, invalid: this.#cache.invalid() });
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const pause = await this.#cycle();
      if (pause > 0) await this.#sleep(pause);
    }
  }

  /**
   * Ends early when any request of this process is answered again. Not at once, since all informers
   * would go on together.
   */
  async #sleep(pause: number): Promise<void> {
    const back = new AbortController();
    const forget = this.#options.api.reachability.onBack(() => back.abort());
    await this.#clock.sleep(pause, AbortSignal.any([this.#stop.signal, back.signal]));
    forget();
    if (back.signal.aborted) await this.#clock.sleep(Math.min(pause, SHORTEST_PAUSE) * (0.5 + this.#random() / 2), this.#stop.signal);
  }

  /** One list, if it is needed, and one watch. Returns the pause after it, in milliseconds. */
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
    this.#record.counts.lists += 1;
    const seen = new Set<string>();
    const take = (object: WireObject) => {
      seen.add(keyText(object.metadata));
      this.#emit(this.#cache.fromList(object));
    };
    const version = await listPages({ ...this.#options, resource: this.resource }, take, this.#stop.signal);
    this.#emit(this.#cache.retain(seen));
    this.#resourceVersion = version;
    this.#record.listed(this.#clock.now());
    this.#settled.resolve();
  }

  async #watch(): Promise<void> {
    const timeoutSeconds = Math.round(SHORTEST_WATCH + this.#random() * (LONGEST_WATCH - SHORTEST_WATCH));
    const end = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, end.signal]);
    void this.#clock.sleep(timeoutSeconds * 1_000 + WATCH_GRACE, signal).then(() => end.abort());
    this.#record.counts.watches += 1;
    const options = { resourceVersion: this.#resourceVersion ?? "", timeoutSeconds, signal, onOpen: () => this.#watching() };
    try {
      for await (const event of watchEvents({ ...this.#options, resource: this.resource }, options)) {
        if (this.#stop.signal.aborted) return;
        this.#record.heard(this.#clock.now());
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
    if (this.#version.served()) this.#record.readBy(this.resource.apiVersion);
    this.#watchingSince = this.#clock.now();
    this.#record.watching(this.#watchingSince);
  }

  /**
   * A watch that was open for a while was healthy, with or without events. If events were counted,
   * a quiet kind would not be watched for half a minute.
   */
  #wasHealthy(): boolean {
    if (this.#watchingSince === undefined || this.#clock.now() - this.#watchingSince < HEALTHY_WATCH) return false;
    this.#backoff.reset();
    this.#record.healthy();
    return true;
  }

  #failed(error: unknown): number {
    const healthy = this.#wasHealthy();
    if (error instanceof BrokenEvent || hasStatus(error, 410)) return this.#listAgain(error);
    if (hasStatus(error, 404) && this.#version.next()) return 0;
    const isUnavailable = this.#record.failed(error);
    if (isUnavailable) this.#settled.resolve();
    // A server that is down or overloaded says nothing about our version. When it is back, it must
    // not get lists of everything.
    const isBlameless = hasStatus(error, 0, 401, 403, 404, 429, 503);
    if (!healthy && !isBlameless && this.#backoff.failures >= FAILURES_BEFORE_LIST) this.#resourceVersion = undefined;
    return Math.max(this.#backoff.next(isUnavailable ? LONGEST_UNAVAILABLE_PAUSE : LONGEST_PAUSE), retryAfterOf(error));
  }

  /**
   * The watch cannot go on. A list follows at once, unless the last one was so recent that this may
   * be a loop.
   */
  #listAgain(error: FencelineError): number {
    this.#resourceVersion = undefined;
    if (error instanceof BrokenEvent) this.#record.broken(error);
    else this.#record.gone(error);
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
        this.#record.handlerFailed(error);
      }
    }
  }
}
