import { hasLabels, type Labels } from "@fenceline/api";
import type { ProxySync, Rejection } from "./sync-status.ts";

/** A proxy that refuses what its istiod sends. */
interface RefusingProxy {
  /** Name of its pod. */
  readonly pod: string;
  readonly rejections: readonly Rejection[];
}

/** What istiods tell of the proxies of some pods. */
export interface ProxiesSeen {
  /**
   * `seen`: every istiod tells of all proxies. `own`: only of those of our own namespace, for we
   * lack the right. `lost`: one of them does not answer. `asked`: before the first answers.
   */
  readonly view: "seen" | "own" | "lost" | "asked";
  /** Why an istiod does not answer; undefined where all do. */
  readonly detail: string | undefined;
  readonly refusing: readonly RefusingProxy[];
  /** Names of pods in the namespace that refuse something, and of which nobody can say whose. */
  readonly unknown: readonly string[];
}

/** Settings of {@link ProxySyncs}. */
export interface ProxySyncsOptions {
  /** Fenceline's. */
  readonly ownNamespace: string;
  /** Labels of a pod, as far as they are known; undefined where nobody can say. Must not throw. */
  readonly labelsOf: (namespace: string, pod: string) => Promise<Labels | undefined>;
  /** Told of a namespace of which {@link ProxySyncs.of} says something else; undefined: of all. */
  readonly onChange: (namespace: string | undefined) => void;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
}

/** A pod that refuses something. */
interface Asked {
  /** Undefined while nobody has said. */
  labels: Labels | undefined;
  /** When they were asked for. */
  readonly at: number;
}

/** What one istiod told last. */
interface Told {
  /** By namespace and pod. */
  readonly refusing: Map<string, ReadonlyMap<string, readonly Rejection[]>>;
  readonly isAllSeen: boolean;
  readonly lost: string | undefined;
}

/**
 * Most pods of a namespace that refuse something and are told apart: the others say the same.
 */
const MOST_PODS = 100;
/** Milliseconds after which it is asked again whose a pod is, where nobody could say. */
const AGAIN = 60_000;
const NOBODY: ReadonlyMap<string, readonly Rejection[]> = new Map();

/**
 * Which proxies refuse their configuration, by what each istiod tells of those that are connected
 * to it. Only of the few that do their labels are asked for.
 */
export class ProxySyncs {
  readonly #options: ProxySyncsOptions;
  readonly #istiods = new Map<string, Told | undefined>();
  /** By namespace and pod. */
  readonly #asked = new Map<string, Map<string, Asked>>();
  readonly #clock: () => number;
  #asking: Promise<void> = Promise.resolve();

  constructor(options: ProxySyncsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
  }

  /** These istiods are there, and no others. */
  asks(istiods: readonly string[]): void {
    const before = this.#view();
    for (const known of this.#istiods.keys()) if (!istiods.includes(known)) this.#replace(known, undefined, true);
    for (const istiod of istiods) if (!this.#istiods.has(istiod)) this.#istiods.set(istiod, undefined);
    if (this.#view() !== before) this.#options.onChange(undefined);
  }

  told(istiod: string, proxies: readonly ProxySync[]): void {
    const refusing = new Map<string, Map<string, readonly Rejection[]>>();
    let isAllSeen = false;
    for (const { namespace, name, rejections } of proxies) {
      isAllSeen ||= namespace !== this.#options.ownNamespace;
      if (rejections.length === 0) continue;
      const pods = refusing.get(namespace) ?? new Map<string, readonly Rejection[]>();
      if (pods.size < MOST_PODS) refusing.set(namespace, pods.set(name, rejections));
    }
    this.#tell(istiod, { refusing, isAllSeen, lost: undefined });
  }

  /** What it told before stays: a proxy does not take its configuration since nobody asks. */
  lost(istiod: string, reason: string): void {
    const { refusing = new Map(), isAllSeen = false } = this.#istiods.get(istiod) ?? {};
    this.#tell(istiod, { refusing, isAllSeen, lost: reason });
  }

  /** What is known of the proxies of pods with these labels; undefined where nobody is asked. */
  of(namespace: string, labels: Labels): ProxiesSeen | undefined {
    if (this.#istiods.size === 0) return undefined;
    const known = this.#asked.get(namespace);
    const refusing: RefusingProxy[] = [];
    const unknown: string[] = [];
    for (const [pod, rejections] of this.#refusingIn(namespace)) {
      const podLabels = known?.get(pod)?.labels;
      if (podLabels === undefined) unknown.push(pod);
      else if (hasLabels(podLabels, labels)) refusing.push({ pod, rejections });
    }
    const detail = [...this.#istiods].find(([, told]) => told?.lost !== undefined);
    return { view: this.#view(), detail: detail && `${detail[0]}: ${detail[1]?.lost}`, refusing, unknown };
  }

  /** Resolves when the labels of all that refuse something were asked for. */
  async idle(): Promise<void> {
    await this.#asking;
  }

  #tell(istiod: string, told: Told): void {
    if (!this.#istiods.has(istiod)) return;
    const before = this.#view();
    this.#replace(istiod, told, false);
    if (this.#view() !== before) this.#options.onChange(undefined);
  }

  #replace(istiod: string, told: Told | undefined, isGone: boolean): void {
    const namespaces = new Set([...(this.#istiods.get(istiod)?.refusing.keys() ?? []), ...(told?.refusing.keys() ?? [])]);
    const before = new Map([...namespaces].map((namespace) => [namespace, textOf(this.#refusingIn(namespace))]));
    if (isGone) this.#istiods.delete(istiod);
    else this.#istiods.set(istiod, told);
    for (const namespace of namespaces) {
      const now = this.#refusingIn(namespace);
      this.#askLabels(namespace, now);
      if (textOf(now) !== before.get(namespace)) this.#options.onChange(namespace);
    }
  }

  #askLabels(namespace: string, refusing: ReadonlyMap<string, unknown>): void {
    const known = this.#asked.get(namespace) ?? new Map<string, Asked>();
    for (const pod of known.keys()) if (!refusing.has(pod)) known.delete(pod);
    if (refusing.size === 0) this.#asked.delete(namespace);
    else this.#asked.set(namespace, known);
    for (const pod of refusing.keys()) {
      const before = known.get(pod);
      if (before !== undefined && (before.labels !== undefined || this.#clock() - before.at < AGAIN)) continue;
      const asked: Asked = { labels: undefined, at: this.#clock() };
      known.set(pod, asked);
      this.#asking = this.#asking.then(() => this.#ask(namespace, pod, asked));
    }
  }

  async #ask(namespace: string, pod: string, asked: Asked): Promise<void> {
    if (this.#asked.get(namespace)?.get(pod) !== asked) return;
    asked.labels = await this.#options.labelsOf(namespace, pod);
    if (asked.labels !== undefined && this.#asked.get(namespace)?.get(pod) === asked) this.#options.onChange(namespace);
  }

  #refusingIn(namespace: string): ReadonlyMap<string, readonly Rejection[]> {
    const all = [...this.#istiods.values()].map((told) => told?.refusing.get(namespace) ?? NOBODY);
    const [first = NOBODY, ...others] = all.filter(({ size }) => size > 0);
    return others.length === 0 ? first : new Map([first, ...others].flatMap((each) => [...each]));
  }

  #view(): ProxiesSeen["view"] {
    const all = [...this.#istiods.values()];
    if (all.some((told) => told?.lost !== undefined)) return "lost";
    if (all.some((told) => told === undefined)) return "asked";
    return all.some((told) => told?.isAllSeen === true) ? "seen" : "own";
  }
}

function textOf(refusing: ReadonlyMap<string, readonly Rejection[]>): string {
  return JSON.stringify([...refusing].sort(([one], [other]) => (one < other ? -1 : 1)));
}
