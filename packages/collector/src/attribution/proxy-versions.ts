import type { AccessLogStream } from "@fenceline/als";
import { type FenceKey, formatFenceKey } from "@fenceline/api";

/** What a stream has said of its proxy. */
interface Told {
  readonly fence: FenceKey;
  readonly version: string;
}

/** `1.29.0`, `1.31-alpha.0123abc`. What cannot be compared says nothing, and must not stand for an old version. */
const VERSION = /^\d{1,3}\.\d{1,4}(?:[.-][\w.+-]{1,56})?$/;

/**
 * The versions of Istio that the proxies of each fence run.
 *
 * A version is a claim of its sender's: it counts for the fence that the sender was found to speak for, and for no other. It goes with the stream that told
 * it, so that an upgrade ends and a false claim does too. Only the version of the last stream stays, until another stream tells one: proxies change their
 * connections every half an hour, and what is rendered must not change with that.
 */
export class ProxyVersions {
  readonly #told = new Map<AccessLogStream, Told>();
  /** By fence: versions, and the open streams that told each. One that no stream tells any more is alone. */
  readonly #versions = new Map<string, Map<string, number>>();
  readonly #onChange: (fence: FenceKey) => void;

  /** @param onChange called when the versions of a fence are others than before */
  constructor(onChange: (fence: FenceKey) => void) {
    this.#onChange = onChange;
  }

  /** The versions of a fence's proxies; empty when none is known. */
  of(fence: FenceKey): readonly string[] {
    return [...(this.#versions.get(formatFenceKey(fence))?.keys() ?? [])];
  }

  /** The versions that proxies of a namespace's fences run. Whoever tells a false one is in that namespace. */
  ofNamespace(namespace: string): readonly string[] {
    const found = new Set<string>();
    for (const [fence, versions] of this.#versions) {
      if (fence.startsWith(`${namespace}/`)) for (const version of versions.keys()) found.add(version);
    }
    return [...found];
  }

  /** A stream of a fence's proxy names its version. What is no version is ignored. */
  told(stream: AccessLogStream, fence: FenceKey, version: string): void {
    const before = this.#told.get(stream);
    const isSame = before?.version === version && formatFenceKey(before.fence) === formatFenceKey(fence);
    if (isSame || !VERSION.test(version)) return;
    this.left(stream);
    this.#told.set(stream, { fence, version });
    const versions = this.#versions.get(formatFenceKey(fence)) ?? new Map<string, number>();
    this.#versions.set(formatFenceKey(fence), versions);
    const isNew = !versions.has(version);
    versions.set(version, (versions.get(version) ?? 0) + 1);
    const hasDropped = dropUntold(versions);
    if (isNew || hasDropped) this.#onChange(fence);
  }

  /** A stream has ended, or speaks for its fence no more. */
  left(stream: AccessLogStream): void {
    const before = this.#told.get(stream);
    if (before === undefined) return;
    this.#told.delete(stream);
    const versions = this.#versions.get(formatFenceKey(before.fence));
    versions?.set(before.version, (versions.get(before.version) ?? 1) - 1);
    if (versions !== undefined && dropUntold(versions)) this.#onChange(before.fence);
  }

  /** Forgets the fences that are not there any more. */
  retain(exists: (fence: string) => boolean): void {
    for (const [stream, { fence }] of this.#told) if (!exists(formatFenceKey(fence))) this.#told.delete(stream);
    for (const fence of this.#versions.keys()) if (!exists(fence)) this.#versions.delete(fence);
  }

  /** Fences and streams of which something is known. */
  get size(): number {
    return this.#versions.size + this.#told.size;
  }
}

/** Drops the versions that no open stream tells, where another one does. Returns whether there were any. */
function dropUntold(versions: Map<string, number>): boolean {
  const untold = [...versions].filter(([, streams]) => streams === 0);
  if (untold.length === versions.size) return false;
  for (const [version] of untold) versions.delete(version);
  return untold.length > 0;
}
