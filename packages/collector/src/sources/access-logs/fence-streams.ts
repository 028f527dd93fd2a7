import type { AccessLogStream } from "@fenceline/als";
import { type FenceKey, formatFenceKey, hasLabels, type Labels, peerOfForwardedClientCert } from "@fenceline/api";

/** Whether access-log streams of a fence's proxies are open here. */
export interface StreamsSeen {
  readonly isOpen: boolean;
  /** Since when none is open, by the wall clock; undefined where there never was one. */
  readonly lostAt: number | undefined;
}

/** Pods with the same labels, and how many streams of them are open. */
interface SamePods {
  readonly labels: Labels;
  open: number;
}

/** Streams of one fence's proxies. */
interface Known {
  readonly key: FenceKey;
  readonly open: Set<AccessLogStream>;
  /** By their labels, even if the last stream was lost a moment ago. */
  readonly pods: Map<string, SamePods>;
  lostAt: number | undefined;
  /** Runs while the last stream may still be replaced by another. */
  timer: NodeJS.Timeout | undefined;
}

/**
 * Milliseconds within which a stream may be replaced: proxies renew their connections every half an
 * hour, and may connect to another replica then.
 */
const REPLACED_WITHIN = 1_000;
/** Most labels of pods that are kept: pods of one workload have nearly the same. */
const MOST_PODS = 50;
const NEVER: StreamsSeen = { isOpen: false, lostAt: undefined };

/** The streams that are open for each fence, for the telemetry's condition. */
export class FenceStreams {
  readonly #fences = new Map<string, Known>();
  readonly #streams = new Map<AccessLogStream, readonly string[]>();
  readonly #onChange: (fence: FenceKey) => void;
  readonly #onPods: (fence: FenceKey) => void;
  readonly #now: () => number;

  /**
   * @param onChange told of a fence whose last stream was lost, or that has one again
   * @param onPods told of a fence for which {@link podsOf} has another answer
   * @param now milliseconds of the wall clock
   */
  constructor(onChange: (fence: FenceKey) => void, onPods: (fence: FenceKey) => void, now: () => number = Date.now) {
    this.#onChange = onChange;
    this.#onPods = onPods;
    this.#now = now;
  }

  of(fence: FenceKey): StreamsSeen {
    const known = this.#fences.get(formatFenceKey(fence));
    return known === undefined ? NEVER : { isOpen: known.lostAt === undefined, lostAt: known.lostAt };
  }

  /** Labels of the pods whose streams are open, each once. */
  podsOf(fence: FenceKey): readonly Labels[] {
    return [...(this.#fences.get(formatFenceKey(fence))?.pods.values() ?? [])].map(({ labels }) => labels);
  }

  /**
   * The service account in the certificates of the fence's proxies; undefined while no stream of
   * one is open, where they name several, and where one has no certificate.
   */
  serviceAccountOf(fence: FenceKey, trustDomains: readonly string[]): string | undefined {
    const open = [...(this.#fences.get(formatFenceKey(fence))?.open ?? [])];
    const peers = open.map(({ forwardedClientCert }) => peerOfForwardedClientCert(forwardedClientCert, trustDomains));
    const [named, ...others] = new Set(peers.map((peer) => (typeof peer === "string" ? undefined : peer.serviceAccount)));
    return others.length === 0 ? named : undefined;
  }

  /** Labels that a pod reports by its open stream; undefined where it has none here. */
  labelsOf(namespace: string, pod: string): Labels | undefined {
    const name = `~${pod}.${namespace}~`;
    for (const { node } of this.#streams.keys()) if (node.id.includes(name)) return node.labels;
    return undefined;
  }

  /** A stream reports for these fences, and for no others. */
  attributed(stream: AccessLogStream, fences: readonly FenceKey[]): void {
    const before = this.#streams.get(stream) ?? [];
    const names = fences.map(formatFenceKey);
    for (const name of before) if (!names.includes(name)) this.#leave(name, stream);
    if (names.length === 0) this.#streams.delete(stream);
    else this.#streams.set(stream, names);
    for (const fence of fences) this.#join(fence, stream);
  }

  /** A fence selects pods with these labels now: other streams do not report for it any more. */
  selects(fence: FenceKey, wanted: Labels): void {
    const name = formatFenceKey(fence);
    for (const stream of [...(this.#fences.get(name)?.open ?? [])]) {
      const { labels } = stream.node;
      if (Object.keys(labels).length === 0 || hasLabels(labels, wanted)) continue;
      this.#leave(name, stream);
      this.#streams.set(stream, this.#streams.get(stream)?.filter((each) => each !== name) ?? []);
    }
  }

  /** A fence is gone. */
  forget(fence: FenceKey): void {
    const name = formatFenceKey(fence);
    clearTimeout(this.#fences.get(name)?.timer);
    this.#fences.delete(name);
  }

  #join(key: FenceKey, stream: AccessLogStream): void {
    const name = formatFenceKey(key);
    const known = this.#fences.get(name) ?? { key, open: new Set(), pods: new Map(), lostAt: undefined, timer: undefined };
    this.#fences.set(name, known);
    const isNew = !known.open.has(stream);
    known.open.add(stream);
    if (isNew) this.#podJoins(known, stream);
    clearTimeout(known.timer);
    known.timer = undefined;
    if (known.lostAt === undefined) return;
    known.lostAt = undefined;
    this.#onChange(key);
  }

  #leave(name: string, stream: AccessLogStream): void {
    const known = this.#fences.get(name);
    if (known === undefined || !known.open.delete(stream)) return;
    this.#podLeaves(known, stream);
    if (known.open.size > 0) return;
    const at = this.#now();
    known.timer = setTimeout(() => {
      known.lostAt = at;
      this.#onChange(known.key);
    }, REPLACED_WITHIN).unref();
  }

  #podJoins({ key, pods }: Known, { node: { labels } }: AccessLogStream): void {
    const id = JSON.stringify(labels);
    const same = pods.get(id);
    if (same !== undefined) same.open += 1;
    else if (pods.size < MOST_PODS) {
      pods.set(id, { labels, open: 1 });
      this.#onPods(key);
    }
  }

  #podLeaves({ key, pods }: Known, { node: { labels } }: AccessLogStream): void {
    const id = JSON.stringify(labels);
    const same = pods.get(id);
    if (same === undefined) return;
    same.open -= 1;
    if (same.open > 0) return;
    setTimeout(() => {
      if (same.open > 0 || pods.get(id) !== same) return;
      pods.delete(id);
      this.#onPods(key);
    }, REPLACED_WITHIN).unref();
  }
}
