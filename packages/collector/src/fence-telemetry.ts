import type { AccessLogStream } from "@fenceline/als";
import { type FenceKey, formatFenceKey, type SwitchOver } from "@fenceline/api";
import { EdgeBook, type Sighting } from "@fenceline/edges";
import type { Logger } from "pino";
import { PushTimes } from "./fence/push-times.ts";
import { Learner } from "./learner.ts";
import type { CollectorMetrics } from "./metrics.ts";
import { FenceStreams } from "./sources/access-logs/fence-streams.ts";
import { ProxyVersions } from "./sources/access-logs/proxy-versions.ts";
import { toldLines } from "./told-lines.ts";

/** Is told what telemetry reports about fences. */
export interface FenceListener {
  /** A host is new in the book. Calls to it use the fallback until it is rendered. */
  learned(fence: FenceKey): void;
  /** A fence has no room for a host that its workload called. */
  turnedAway(fence: FenceKey, host: string): void;
  /** The first telemetry of a fence's proxies arrived, or their versions changed. */
  proxiesChanged(fence: FenceKey): void;
  /** The last stream of a fence's proxies was lost, or there is one again. */
  streamsChanged(fence: FenceKey): void;
  /** The known labels of a fence's pods changed. */
  podsChanged(fence: FenceKey): void;
}

/** Dependencies and settings of a {@link FenceTelemetry}. */
export interface FenceTelemetryOptions {
  readonly metrics: CollectorMetrics;
  readonly logger: Logger;
  /** Configuration of the steps of a Sidecar. */
  readonly switchOver: SwitchOver;
  /** A host made room for the one that was sighted. */
  readonly onEvicted?: (host: string, by: Sighting) => void;
  /** Whether a fence's pods must not see a host. Default: they may see any. */
  readonly isHidden?: (fence: FenceKey, host: string) => boolean;
  /** Whether policies refuse every call of a fence's pods to a host. Default: they refuse none. */
  readonly isDenied?: (fence: FenceKey, host: string) => boolean;
  /** The wildcards that stand for a host that a fence's workload called. Default: none does. */
  readonly wildcardsFor?: (fence: FenceKey, called: string) => readonly string[];
  /** The version that our own proxy runs. Default: it is not known. */
  readonly proxyVersion?: string | undefined;
  /** How long what a deleted fence had learned is kept, in milliseconds. Default 0: not at all. */
  readonly keepDeleted?: number;
  /** Milliseconds of the wall clock. Default `Date.now`. */
  readonly now?: () => number;
}

/**
 * Milliseconds in which a fence has a few lines for hosts that it may not see: it may call them all
 * the time.
 */
const UNSEEN_LINES = { isInfo: true, window: 600_000 };
const HIDDEN = "host not learned, the default Sidecar hides it";
const DENIED = "host not learned, AuthorizationPolicies refuse every call";

/** What telemetry reports about fences: their edges, and the versions that their proxies run. */
export class FenceTelemetry {
  readonly book: EdgeBook;
  /** Where sources report what they see. */
  readonly sink: Learner;
  /** How long Sidecars take to reach the Envoys. */
  readonly pushes: PushTimes;
  /** Access-log streams of each fence's proxies. */
  readonly streams: FenceStreams;
  readonly #listeners: Partial<FenceListener>[] = [];
  readonly #versions: ProxyVersions;
  readonly #proxyVersion: string | undefined;

  constructor(options: FenceTelemetryOptions) {
    const {
      metrics,
      logger,
      switchOver,
      onEvicted,
      isHidden,
      isDenied,
      wildcardsFor,
      proxyVersion,
      keepDeleted = 0,
      now = Date.now,
    } = options;
    this.book = new EdgeBook({ keepFor: keepDeleted });
    this.pushes = new PushTimes({
      limits: switchOver,
      clock: () => performance.now(),
      onPush: (took) => metrics.sidecarPush.observe(took / 1_000),
      onPause: (pause, slowest) => {
        const fields = { pauseMs: Math.round(pause), slowestPushMs: Math.round(slowest) };
        logger.info(fields, "time between two steps of a Sidecar follows the pushes observed");
      },
    });
    this.#proxyVersion = proxyVersion;
    this.#versions = new ProxyVersions((fence) => this.#tell((listener) => listener.proxiesChanged?.(fence)));
    this.streams = new FenceStreams(
      (fence) => this.#tell((listener) => listener.streamsChanged?.(fence)),
      (fence) => this.#tell((listener) => listener.podsChanged?.(fence)),
      now,
    );
    const hiddenLines = toldLines(logger, HIDDEN, UNSEEN_LINES);
    const deniedLines = toldLines(logger, DENIED, UNSEEN_LINES);
    this.sink = new Learner({
      book: this.book,
      onLearned: (fence, host) => {
        metrics.edgesLearned.inc();
        logger.info({ fence: formatFenceKey(fence), host }, "edge learned");
        this.#tell((listener) => listener.learned?.(fence));
      },
      onEvicted,
      isHidden,
      onHidden: (of, host) => {
        const fence = formatFenceKey(of);
        if (hiddenLines.take(fence)) logger.info({ fence, host }, HIDDEN);
      },
      isDenied,
      onDenied: (of, host) => {
        const fence = formatFenceKey(of);
        if (deniedLines.take(fence)) logger.info({ fence, host }, DENIED);
      },
      wildcardsFor,
      onTurnedAway: (fence, host) => this.#tell((listener) => listener.turnedAway?.(fence, host)),
      onTelemetry: (fence) => this.#tell((listener) => listener.proxiesChanged?.(fence)),
    });
  }

  /** Adds a listener for what arrives from now on. */
  listen(listener: Partial<FenceListener>): void {
    this.#listeners.push(listener);
  }

  /** The versions of Istio that a fence's proxies run, as far as known. */
  proxyVersions(fence: FenceKey): readonly string[] {
    const told = this.#versions.of(fence);
    if (told.length > 0) return told;
    return this.#proxyVersion === undefined ? this.#versions.ofNamespace(fence.namespace) : [this.#proxyVersion];
  }

  /** A stream of a fence's proxy reports its version. */
  proxyTold(stream: AccessLogStream, fence: FenceKey, version: string): void {
    this.#versions.told(stream, fence, version);
  }

  /** A stream has ended, or does not report for its fence any more. */
  proxyLeft(stream: AccessLogStream): void {
    this.#versions.left(stream);
  }

  /**
   * Time has passed. Versions that nobody has reported for some minutes are dropped, and deleted
   * fences are forgotten.
   */
  tick(): void {
    this.book.forgetClosed(performance.now());
    this.#versions.tick();
  }

  /** Forgets the proxies of a fence that is gone. */
  forget(fence: FenceKey): void {
    this.#versions.forget(fence);
    this.streams.forget(fence);
  }

  /** Fences that have no room for new hosts now. */
  fencesAtCapacity(): number {
    return this.book.fences().filter((fence) => this.book.of(fence)?.isAtCapacity === true).length;
  }

  #tell(how: (listener: Partial<FenceListener>) => void): void {
    for (const listener of this.#listeners) how(listener);
  }
}
