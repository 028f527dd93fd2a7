import { hasLabels, type Labels } from "@fenceline/api";
import { type Refusal, refusalsAfter } from "./refusals.ts";
import type { ProxySync, Rejection } from "./sync-status.ts";

/** A proxy that refuses, or refused, what its istiod sends. */
interface RefusingProxy {
  /** Name of its pod. */
  readonly pod: string;
  readonly rejections: readonly Rejection[];
}

/** What istiods report about the proxies of some pods. */
export interface ProxiesSeen {
  /**
   * `seen`: every istiod reports all proxies. `own`: only those of our own namespace, since we lack
   * the right. `lost`: one of them does not answer. `asked`: before the first answers.
   */
  readonly view: "seen" | "own" | "lost" | "asked";
  /** Why an istiod does not answer; undefined where all do. */
  readonly detail: string | undefined;
  readonly refusing: readonly RefusingProxy[];
  /** Those whose istiod has forgotten what they refused, and that may still refuse it. */
  readonly forgotten: readonly RefusingProxy[];
  /** Names of pods in the namespace that refuse something, and whose labels are not known. */
  readonly unknown: readonly string[];
}

/** What istiods report about the proxies of pods that one of these selectors matches. */
export type ProxiesOf = (namespace: string, selectors: readonly Labels[]) => ProxiesSeen | undefined;

/** Settings of {@link ProxySyncs}. */
export interface ProxySyncsOptions {
  /** Fenceline's. */
  readonly ownNamespace: string;
  /** Labels of a pod, as far as they are known; undefined where they are not. Must not throw. */
  readonly labelsOf: (namespace: string, pod: string) => Promise<Labels | undefined>;
  /** Another text whenever EnvoyFilters for proxies of a namespace changed. */
  readonly filtersOf: (namespace: string) => string;
  /** Told of a namespace for which {@link ProxySyncs.of} has another answer; undefined: of all. */
  readonly onChange: (namespace: string | undefined) => void;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
}

/** A pod that refuses something. */
interface Asked {
  /** Undefined before there is an answer. */
  labels: Labels | undefined;
  /** When they were asked for. */
  readonly at: number;
}

/** What pods of a namespace refuse, by the pods' names. */
type Pods = ReadonlyMap<string, readonly Refusal[]>;

/** EnvoyFilters for the proxies of a namespace in which one refuses something. */
interface Filters {
  readonly text: string;
  /** When another text was seen than before. */
  readonly changed: number;
  readonly looked: number;
}

/** What one istiod reported last, and what it has reported before and forgotten. */
interface Told {
  /** By namespace and pod. */
  readonly refusing: Map<string, Pods>;
  readonly isAllSeen: boolean;
  readonly lost: string | undefined;
}

/** Most pods of a namespace that are told apart: further pods refuse the same. */
const MOST_PODS = 100;
/** Milliseconds until the labels of a pod are asked for again, where there was no answer. */
const AGAIN = 60_000;
const NOBODY: Pods = new Map();

/**
 * Which proxies refuse their configuration, by what each istiod reports of those connected to it.
 * Labels are asked for only of the few that do.
 */
export class ProxySyncs {
  readonly #options: ProxySyncsOptions;
  readonly #istiods = new Map<string, Told | undefined>();
  /** By namespace and pod. */
  readonly #asked = new Map<string, Map<string, Asked>>();
  readonly #filters = new Map<string, Filters>();
  readonly #clock: () => number;
  #asking: Promise<void> = Promise.resolve();

  constructor(options: ProxySyncsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
  }

  /** These istiods exist, and no others. */
  asks(istiods: readonly string[]): void {
    const before = this.#view();
    for (const known of this.#istiods.keys()) if (!istiods.includes(known)) this.#replace(known, undefined, true);
    for (const istiod of istiods) if (!this.#istiods.has(istiod)) this.#istiods.set(istiod, undefined);
    if (this.#view() !== before) this.#options.onChange(undefined);
  }

  told(istiod: string, proxies: readonly ProxySync[]): void {
    const before = this.#istiods.get(istiod)?.refusing;
    const refusing = new Map<string, Map<string, readonly Refusal[]>>();
    const now = this.#clock();
    let isAllSeen = false;
    for (const { namespace, name, rejections } of proxies) {
      isAllSeen ||= namespace !== this.#options.ownNamespace;
      const known = before?.get(namespace)?.get(name) ?? [];
      if (rejections.length === 0 && known.length === 0) continue;
      const refusals = refusalsAfter(known, rejections, { now, filtersChanged: this.#filtersChanged(namespace, now) });
      const pods = refusing.get(namespace) ?? new Map<string, readonly Refusal[]>();
      if (refusals.length > 0 && pods.size < MOST_PODS) refusing.set(namespace, pods.set(name, refusals));
    }
    this.#tell(istiod, { refusing, isAllSeen, lost: undefined });
  }

  /** What it reported stays: a proxy accepts no more only because istiod does not answer. */
  lost(istiod: string, reason: string): void {
    const { refusing = new Map(), isAllSeen = false } = this.#istiods.get(istiod) ?? {};
    this.#tell(istiod, { refusing, isAllSeen, lost: reason });
  }

  /** See {@link ProxiesOf}. Undefined where istiods are not asked. */
  of(namespace: string, selectors: readonly Labels[]): ProxiesSeen | undefined {
    if (this.#istiods.size === 0) return undefined;
    const known = this.#asked.get(namespace);
    const pods = [...this.#refusingIn(namespace)].map(([pod, refusals]) => ({ pod, refusals, labels: known?.get(pod)?.labels }));
    const theirs = pods.filter(({ labels }) => labels !== undefined && selectors.some((selector) => hasLabels(labels, selector)));
    const that = (isTold: boolean) =>
      theirs
        .map(({ pod, refusals }) => ({ pod, rejections: rejectionsIn(refusals, isTold) }))
        .filter(({ rejections }) => rejections.length > 0);
    const detail = [...this.#istiods].find(([, told]) => told?.lost !== undefined);
    return {
      view: this.#view(),
      detail: detail && `${detail[0]}: ${detail[1]?.lost}`,
      refusing: that(true),
      forgotten: that(false),
      unknown: pods.flatMap(({ pod, labels }) => (labels === undefined ? [pod] : [])),
    };
  }

  /** Resolves when the labels of all pods that refuse something were asked for. */
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
    if (refusing.size === 0) {
      this.#asked.delete(namespace);
      this.#filters.delete(namespace);
    } else this.#asked.set(namespace, known);
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

  /** When EnvoyFilters were seen to have changed since a proxy of it refused something. */
  #filtersChanged(namespace: string, now: number): number {
    const before = this.#filters.get(namespace);
    if (before?.looked === now) return before.changed;
    const text = this.#options.filtersOf(namespace);
    const { changed } = before === undefined ? { changed: Number.NEGATIVE_INFINITY } : before.text === text ? before : { changed: now };
    this.#filters.set(namespace, { text, changed, looked: now });
    return changed;
  }

  #refusingIn(namespace: string): Pods {
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

function rejectionsIn(refusals: readonly Refusal[], wanted: boolean): readonly Rejection[] {
  return refusals.flatMap(({ type, words, isTold }) => (isTold === wanted ? [{ type, words }] : []));
}

function textOf(refusing: Pods): string {
  const said = [...refusing].map(([pod, refusals]) => [pod, rejectionsIn(refusals, true), rejectionsIn(refusals, false)] as const);
  return JSON.stringify(said.sort(([one], [other]) => (one < other ? -1 : 1)));
}
