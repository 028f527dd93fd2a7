import type { AccessLogStream } from "@fenceline/als";
import { type FenceKey, formatFenceKey } from "@fenceline/api";

/** What a stream has reported of its proxy. */
interface Told {
  readonly fence: FenceKey;
  readonly version: string;
}

/** A version that a fence's proxies run or ran. */
interface Known {
  /** Open streams that report it. */
  readonly streams: Set<AccessLogStream>;
  /** When the last of them ended. */
  leftAt: number;
}

/**
 * `1.29.0`, `1.31-alpha.0123abc`. Any other text cannot be compared, and must not count as an old
 * version.
 */
const VERSION = /^\d{1,3}\.\d{1,4}(?:[.-][\w.+-]{1,56})?$/;

/**
 * Milliseconds for which a version counts after its last stream, while other streams report another
 * version.
 */
const HOLD = 600_000;
/** Most versions of a fence that are kept in this way. */
const MOST_HELD = 16;

/**
 * The versions of Istio that the proxies of each fence run.
 *
 * A version is a claim of its sender. It counts only for the fence to which the sender was
 * attributed. It is dropped some minutes after its last stream ended, so that an upgrade ends, and
 * a false claim too. It is not dropped at once, since the version decides what is rendered: a
 * sender that opens streams with an old and a new version in turn would cause a write and a push
 * with each of them. The version of the last stream stays until another stream reports one: proxies
 * renew their connections every half an hour, and that must not change what is rendered.
 */
export class ProxyVersions {
  readonly #told = new Map<AccessLogStream, Told>();
  /** By namespace and name of the fence: versions, those that were left longest ago first. */
  readonly #namespaces = new Map<string, Map<string, Map<string, Known>>>();
  readonly #onChange: (fence: FenceKey) => void;
  readonly #clock: () => number;

  /**
   * @param onChange called when the versions of a fence have changed
   * @param now milliseconds of a monotonic clock
   */
  constructor(onChange: (fence: FenceKey) => void, clock: () => number = () => performance.now()) {
    this.#onChange = onChange;
    this.#clock = clock;
  }

  /** The versions of a fence's proxies; empty when none is known. */
  of(fence: FenceKey): readonly string[] {
    return [...(this.#versionsOf(fence)?.keys() ?? [])];
  }

  /**
   * The versions that proxies of a namespace's fences run. A false one was reported from within
   * that namespace.
   */
  ofNamespace(namespace: string): readonly string[] {
    const found = new Set<string>();
    for (const versions of this.#namespaces.get(namespace)?.values() ?? []) for (const version of versions.keys()) found.add(version);
    return [...found];
  }

  /** A stream of a fence's proxy reports its version. Text that is no version is ignored. */
  told(stream: AccessLogStream, fence: FenceKey, version: string): void {
    const before = this.#told.get(stream);
    const isSame = before?.version === version && formatFenceKey(before.fence) === formatFenceKey(fence);
    if (isSame || !VERSION.test(version)) return;
    this.left(stream);
    this.#told.set(stream, { fence, version });
    const versions = this.#versionsFor(fence);
    const known = versions.get(version);
    if (known === undefined) versions.set(version, { streams: new Set([stream]), leftAt: 0 });
    else known.streams.add(stream);
    const hasDropped = this.#dropLeft(versions);
    if (known === undefined || hasDropped) this.#onChange(fence);
  }

  /** A stream has ended, or does not report for its fence any more. */
  left(stream: AccessLogStream): void {
    const before = this.#told.get(stream);
    if (before === undefined) return;
    this.#told.delete(stream);
    const versions = this.#versionsOf(before.fence);
    const known = versions?.get(before.version);
    if (versions === undefined || known === undefined) return;
    known.streams.delete(stream);
    if (known.streams.size > 0) return;
    known.leftAt = this.#clock();
    versions.delete(before.version);
    versions.set(before.version, known);
    if (this.#dropLeft(versions)) this.#onChange(before.fence);
  }

  /** Drops the versions that have been kept for long enough. */
  tick(): void {
    for (const [namespace, fences] of this.#namespaces)
      for (const [name, versions] of fences) if (this.#dropLeft(versions)) this.#onChange({ namespace, name });
  }

  /** Forgets a fence that is gone. It costs no more than what was reported for it. */
  forget({ namespace, name }: FenceKey): void {
    const fences = this.#namespaces.get(namespace);
    for (const { streams } of fences?.get(name)?.values() ?? []) for (const stream of streams) this.#told.delete(stream);
    fences?.delete(name);
    if (fences?.size === 0) this.#namespaces.delete(namespace);
  }

  /** Number of fences, their versions, and streams about which something is kept. */
  get size(): number {
    const fences = [...this.#namespaces.values()].flatMap((each) => [...each.values()]);
    return this.#told.size + fences.reduce((sum, versions) => sum + 1 + versions.size, 0);
  }

  #versionsOf({ namespace, name }: FenceKey): Map<string, Known> | undefined {
    return this.#namespaces.get(namespace)?.get(name);
  }

  #versionsFor({ namespace, name }: FenceKey): Map<string, Known> {
    const fences = this.#namespaces.get(namespace) ?? new Map<string, Map<string, Known>>();
    this.#namespaces.set(namespace, fences);
    const versions = fences.get(name) ?? new Map<string, Known>();
    fences.set(name, versions);
    return versions;
  }

  /**
   * Drops versions whose streams ended long ago, unless no other is known, and those that are too
   * many. Returns whether there was any.
   */
  #dropLeft(versions: Map<string, Known>): boolean {
    const before = versions.size;
    const now = this.#clock();
    for (const [version, { streams, leftAt }] of versions) {
      if (streams.size === 0 && now - leftAt >= HOLD && versions.size > 1) versions.delete(version);
    }
    const held = [...versions].filter(([, { streams }]) => streams.size === 0);
    if (held.length > MOST_HELD) versions.delete(newestOf(held.map(([version]) => version)));
    return versions.size < before;
  }
}

/**
 * The version to drop where too many are kept. What is rendered is for the oldest version, so a
 * sender that changes between others does not change it.
 */
function newestOf(versions: readonly string[]): string {
  const rank = (version: string) => {
    const [major = "", minor = ""] = version.split(/[.-]/);
    return Number(major) * 10_000 + Number(minor);
  };
  return versions.reduce((newest, version) => (rank(version) > rank(newest) ? version : newest));
}
