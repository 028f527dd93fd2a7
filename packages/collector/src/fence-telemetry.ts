import type { AccessLogStream } from "@fenceline/als";
import { type FenceKey, formatFenceKey, LineBudget, type SwitchOver } from "@fenceline/api";
import { EdgeBook, type Sighting } from "@fenceline/edges";
import type { Logger } from "pino";
import { PushTimes } from "./fence/push-times.ts";
import { Learner } from "./learner.ts";
import type { CollectorMetrics } from "./metrics.ts";
import { FenceStreams } from "./sources/access-logs/fence-streams.ts";
import { ProxyVersions } from "./sources/access-logs/proxy-versions.ts";

/** Is told of what telemetry says of fences. */
export interface FenceListener {
  /** A host is new in the book, and calls to it take the fallback until it is rendered. */
  learned(fence: FenceKey): void;
  /** A fence has no room for a host that its workload called. */
  turnedAway(fence: FenceKey, host: string): void;
  /** The first telemetry of a fence's proxies arrived, or they run other versions than before. */
  proxiesChanged(fence: FenceKey): void;
  /** The last stream of a fence's proxies was lost, or there is one again. */
  streamsChanged(fence: FenceKey): void;
  /** Pods of a fence are known by other labels than before. */
  podsChanged(fence: FenceKey): void;
}

/** What a {@link FenceTelemetry} works with. */
export interface FenceTelemetryOptions {
  readonly metrics: CollectorMetrics;
  readonly logger: Logger;
  /** What is configured of the steps of a Sidecar. */
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
  /** How long what a deleted fence had learned is kept, in milliseconds. Default 0: it is not. */
  readonly keepDeleted?: number;
  /** Milliseconds of the wall clock. Default `Date.now`. */
  readonly now?: () => number;
}

/**
 * In which a fence has a few lines for hosts that it is not to see: it may call them all the time.
 */
const UNSEEN_LINES_WINDOW = 600_000;

/** What telemetry tells of fences: their edges, and the versions that their proxies run. */
export class FenceTelemetry {
  readonly book: EdgeBook;
  /** Where sources put what they see. */
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
    const [hiddenLines, deniedLines] = [unseenLines(), unseenLines()];
    this.sink = new Learner({
      book: this.book,
      onLearned: (fence, host) => {
        metrics.edgesLearned.inc();
        logger.info({ fence: formatFenceKey(fence), host }, "edge learned");
        this.#tell((listener) => listener.learned?.(fence));
      },
      onEvicted,
      isHidden,
      onHidden: (fence, host) => {
        const fields = hiddenLines(fence, host);
        if (fields !== undefined) logger.info(fields, "host not learned, the default Sidecar hides it");
      },
      isDenied,
      onDenied: (fence, host) => {
        const fields = deniedLines(fence, host);
        if (fields !== undefined) logger.info(fields, "host not learned, AuthorizationPolicies refuse every call");
      },
      wildcardsFor,
      onTurnedAway: (fence, host) => this.#tell((listener) => listener.turnedAway?.(fence, host)),
      onTelemetry: (fence) => this.#tell((listener) => listener.proxiesChanged?.(fence)),
    });
  }

  /** Tells somebody of what comes, from now on. */
  listen(listener: Partial<FenceListener>): void {
    this.#listeners.push(listener);
  }

  /** The versions of Istio that a fence's proxies run, as far as they are known. */
  proxyVersions(fence: FenceKey): readonly string[] {
    const told = this.#versions.of(fence);
    if (told.length > 0) return told;
    return this.#proxyVersion === undefined ? this.#versions.ofNamespace(fence.namespace) : [this.#proxyVersion];
  }

  /** A stream of a fence's proxy names its version. */
  proxyTold(stream: AccessLogStream, fence: FenceKey, version: string): void {
    this.#versions.told(stream, fence, version);
  }

  /** A stream has ended, or speaks for its fence no more. */
  proxyLeft(stream: AccessLogStream): void {
    this.#versions.left(stream);
  }

  /**
   * Time has passed: versions count for some minutes after their last stream, and deleted fences
   * are forgotten at last.
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

  /** Fences that turn newcomers away now. */
  fencesAtCapacity(): number {
    return this.book.fences().filter((fence) => this.book.of(fence)?.isAtCapacity === true).length;
  }

  #tell(how: (listener: Partial<FenceListener>) => void): void {
    for (const listener of this.#listeners) how(listener);
  }
}

/** Fields of lines about hosts that are not learned; undefined where a fence has had its lines. */
function unseenLines(): (of: FenceKey, host: string) => object | undefined {
  const lines = new LineBudget({ window: UNSEEN_LINES_WINDOW });
  return (of, host) => {
    const fence = formatFenceKey(of);
    const suppressed = lines.take(fence);
    return suppressed === undefined ? undefined : { fence, host, suppressed: suppressed || undefined };
  };
}
