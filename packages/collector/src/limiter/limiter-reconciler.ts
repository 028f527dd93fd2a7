import { isDeepStrictEqual } from "node:util";
import { type ObjectRef, refOf, refText, SMART_LIMITER, type SmartLimiter, type SmartLimiterStatus } from "@fenceline/api";
import { type Desired, ReadIndex, type Reconciler } from "@fenceline/control";
import type { Material } from "@fenceline/limits";
import { type LimitGroup, type LimitRule, rulesWithoutRoom } from "@fenceline/render/limiter";
import { reservedNamespace } from "@fenceline/render/reach";
import type { MeshChanges, Obstacle } from "@fenceline/store";
import { unreadKinds } from "../fence/mesh-objects-condition.ts";
import type { KindContext } from "../kind-context.ts";
import { desiredLimiter } from "./desired-limiter.ts";
import { limitsLeft } from "./left-limits.ts";
import type { LimitedNamespace } from "./limited-namespace.ts";
import { LimitedNamespaces } from "./limited-namespaces.ts";
import { hasLimits } from "./limiter-filters.ts";
import type { LimiterMetrics } from "./limiter-metrics.ts";
import { createdAt, type LimiterPods } from "./limiter-pods.ts";
import { podPortsOf } from "./limiter-ports.ts";
import { type ValueQuery, valueQueries } from "./limiter-queries.ts";
import { type DecidedRule, decide, type LimiterRules, readRules, resumeRules } from "./limiter-rules.ts";
import type { LimiterSeen, RuleDecision, WantedLimits } from "./limiter-seen.ts";
import type { CurrentValues } from "./limiter-values.ts";
import { limitsName } from "./limits-name.ts";
import { SMALLEST, smallerStatus } from "./smaller-status.ts";

/** What a {@link LimiterReconciler} reads. */
export interface LimiterReconcilerOptions extends Pick<KindContext, "store" | "mesh" | "now" | "proxies"> {
  readonly obstacles: (of: ObjectRef) => readonly Obstacle[];
  /** The latest values of these metrics. */
  readonly values: (of: ObjectRef, metrics: LimiterMetrics) => CurrentValues;
  /** Metrics that a limiter may name. */
  readonly metrics: (limiter: SmartLimiter) => LimiterMetrics;
  /** Asks for the status of a limiter whose rules are in another one's EnvoyFilter. */
  readonly onRenderedFor: (of: ObjectRef) => void;
  /** What these limiters wait for may have happened. */
  readonly onWaiting: (limiters: readonly ObjectRef[]) => void;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
}

/** The code for SmartLimiter in the loop of a controller. */
export class LimiterReconciler implements Reconciler<LimiterSeen, SmartLimiterStatus> {
  readonly kind = SMART_LIMITER;
  readonly #options: LimiterReconcilerOptions;
  readonly #rules = new Map<string, LimiterRules>();
  /** Made on the first look at a limiter. */
  #limited: LimitedNamespaces | undefined;
  /** Rules for which an EnvoyFilter has no room. A changed group is another object. */
  readonly #leftOut = new WeakMap<LimitGroup, ReadonlySet<LimitRule>>();
  /** How often the status of a limiter was refused as too large. */
  readonly #refused = new Map<string, number>();
  /** Which limiters had rules in which EnvoyFilters when they were last observed. */
  readonly #sharing = new ReadIndex();
  /** Limiters that wait until EnvoyFilters of others are gone. */
  readonly #waiting = new Map<string, ObjectRef>();
  /** What it deleted may be what another limiter waits for. */
  readonly applied = ({ namespace }: ObjectRef): void => this.#options.onWaiting(this.waitingIn(namespace));

  constructor(options: LimiterReconcilerOptions) {
    this.#options = options;
  }

  observe(of: ObjectRef): LimiterSeen | undefined {
    const { store, mesh, now, obstacles, proxies } = this.#options;
    const known = this.#known().of(of.namespace);
    const [limiter, pods] = [known?.limiter(of.name), known?.pods(of.name)];
    const stored = store.objectOf(SMART_LIMITER, of);
    if (known === undefined || limiter === undefined || pods === undefined || stored === undefined) return undefined;
    const { config } = mesh();
    const refusal = reservedNamespace(
      refOf(SMART_LIMITER.name, limiter),
      "a limiter there could turn everybody's first calls away",
      config,
    );
    const [own, shared] = partition(known.groupsOf(of.name), ({ owner }) => owner.limiter === of.name);
    const wanted = refusal === undefined ? own.map((group) => this.#wanted(of, group, known)) : [];
    if (wanted.some(({ left }) => left.length > 0)) this.#waiting.set(refText(of), of);
    else this.#waiting.delete(refText(of));
    this.#sharing.set(of, new Set(shared.map(({ owner }) => refText({ ...of, name: owner.limiter }))));
    const material = this.#material(limiter, pods);
    const decisions = refusal === undefined ? this.#decisions(limiter, pods, known, material) : [];
    return {
      // A status of our own is in the store before it is told.
      limiter: { ...limiter, status: stored.status },
      sets: pods.sets,
      refusal,
      faults: this.#rulesOf(limiter).faults,
      decisions,
      material: this.#named(limiter, material),
      valueFaults: this.#named(limiter, this.#values(limiter).faults),
      wanted,
      sharedWith: shared.map(({ owner }) => owner.limiter),
      sharedMissing: shared.filter((group) => this.#isMissing(of, group, decisions)).map(({ owner }) => owner.limiter),
      proxies: proxies?.(
        of.namespace,
        pods.sets.flatMap((each) => ("labels" in each ? [each.labels] : [])),
      ),
      present: store.ownedBy(of),
      obstacles: obstacles(of),
      unread: unreadKinds(store),
      isEnding: mesh().isEnding(limiter),
      now: now(),
    };
  }

  desired(seen: LimiterSeen): Desired<SmartLimiterStatus> {
    return desiredLimiter(seen);
  }

  statusToWrite(of: ObjectRef, { status }: Desired<SmartLimiterStatus>): SmartLimiterStatus | undefined {
    const stored = this.#options.store.objectOf(SMART_LIMITER, of)?.status;
    const smaller = smallerStatus(status, this.#refused.get(refText(of)) ?? 0, stored?.conditions, this.#options.now());
    // Values alone change with every answer, and are told with what they change.
    return isDeepStrictEqual(withoutValues(stored), withoutValues(smaller)) ? undefined : smaller;
  }

  statusTooLarge(of: ObjectRef): void {
    this.#refused.set(refText(of), Math.min(SMALLEST, (this.#refused.get(refText(of)) ?? 0) + 1));
  }

  /** A written or deleted object may have rules of others in it. */
  told(of: ObjectRef): void {
    for (const other of this.#sharing.readersOf(refText(of))) this.#options.onRenderedFor(other);
  }

  /** Limiters of a namespace that wait until EnvoyFilters of others are gone. */
  waitingIn(namespace: string): readonly ObjectRef[] {
    return [...this.#waiting.values()].filter((each) => each.namespace === namespace);
  }

  forget(of: ObjectRef): void {
    this.#waiting.delete(refText(of));
    this.#sharing.delete(of);
    this.#refused.delete(refText(of));
    this.#rules.delete(refText(of));
  }

  /** The queries for the values that rules use, those of the oldest limiters first. */
  queries(): readonly ValueQuery[] {
    const { store, mesh, metrics } = this.#options;
    const known = this.#known();
    const limiters = store
      .snapshot()
      .of(SMART_LIMITER)
      .toSorted((one, other) => createdAt(one) - createdAt(other));
    return limiters.flatMap(({ metadata: { namespace, name } }) => {
      const [limiter, pods] = [known.of(namespace)?.limiter(name), known.of(namespace)?.pods(name)];
      if (limiter === undefined || pods === undefined) return [];
      return valueQueries({ limiter, sets: pods.sets, metrics: metrics(limiter), names: this.#namesOf(limiter) }, mesh().registry);
    });
  }

  /** A limiter, and those in whose EnvoyFilters its rules are: all of them have its values. */
  withValuesOf(of: ObjectRef): readonly ObjectRef[] {
    const groups = this.#known().of(of.namespace)?.groupsOf(of.name) ?? [];
    const names = new Set([of.name, ...groups.map(({ owner }) => owner.limiter)]);
    return [...names].map((name) => ({ ...of, name }));
  }

  /** Goes on from what the statuses say: another replica has decided since. */
  resume(): void {
    for (const limiter of this.#options.store.snapshot().of(SMART_LIMITER)) {
      const known = this.#rules.get(refText(refOf(SMART_LIMITER.name, limiter)));
      if (known !== undefined) resumeRules(known, limiter.status?.rules);
    }
  }

  /**
   * Takes over what changed.
   *
   * @returns limiters that ask, or may ask, for something else than before
   */
  keepUp(changes: MeshChanges): readonly ObjectRef[] {
    try {
      // Before the first look no limiter is known.
      return this.#limited?.apply(changes) ?? [];
    } catch (error) {
      // Changes may have been taken over in part, so it is made anew.
      this.#limited = undefined;
      throw error;
    }
  }

  #known(): LimitedNamespaces {
    const { store, mesh } = this.#options;
    this.#limited ??= new LimitedNamespaces(store.snapshot(), () => mesh().registry, mesh().config.limiters.serviceEntryLabels);
    return this.#limited;
  }

  /** All rules of a limiter, also those without known pods, or for which there is no room. */
  #decisions(limiter: SmartLimiter, pods: LimiterPods, known: LimitedNamespace, material: Material): readonly RuleDecision[] {
    const { name } = limiter.metadata;
    const groups = groupsBySet(name, known.groupsOf(name));
    const missing = new Map(pods.sets.flatMap((each) => ("missing" in each ? [[each.set, each.missing] as const] : [])));
    return this.#rulesOf(limiter).rules.map((each) => {
      const group = groups.get(each.rule.set);
      const hasRoom = group === undefined || !this.#withoutRoom(group, known).has(each.rule);
      const why = missing.get(each.rule.set) ?? (hasRoom ? undefined : NO_ROOM);
      return why === undefined ? this.#decided(each, material) : { rule: each.rule, isActive: false, quota: undefined, ...why };
    });
  }

  #wanted(of: ObjectRef, group: LimitGroup, known: LimitedNamespace): WantedLimits {
    const { store, mesh } = this.#options;
    const { owner, filterName } = group;
    const leftOut = this.#withoutRoom(group, known);
    const decisions = group.members.flatMap((member) => {
      const [limiter, pods] = [known.limiter(member.limiter), known.pods(member.limiter)];
      if (limiter === undefined || pods === undefined) return [];
      const rules = this.#rulesOfSet(limiter, member.set).filter(({ rule }) => !leftOut.has(rule));
      const material = this.#material(limiter, pods);
      return rules.map((each) => this.#decided(each, material));
    });
    const podPorts = podPortsOf(of.namespace, owner, mesh().registry);
    return { owner, labels: owner.labels, filterName, podPorts, left: limitsLeft(of, group, { store, known }), decisions };
  }

  #decided(rule: DecidedRule, material: Material): RuleDecision {
    const { clock = () => performance.now() } = this.#options;
    return decide(rule, material, clock());
  }

  #material(limiter: SmartLimiter, { counts }: LimiterPods): Material {
    return new Map([...counts, ...this.#values(limiter).values]);
  }

  #values(limiter: SmartLimiter): CurrentValues {
    const { values, metrics } = this.#options;
    return values(refOf(SMART_LIMITER.name, limiter), metrics(limiter));
  }

  /** What is told of values that the limiter's rules name. */
  #named<T>(limiter: SmartLimiter, of: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
    const names = this.#namesOf(limiter);
    return new Map([...of].filter(([name]) => names.has(name)));
  }

  #namesOf(limiter: SmartLimiter): ReadonlySet<string> {
    return new Set(this.#rulesOf(limiter).rules.flatMap(({ names }) => names));
  }

  /** Computed once for all limiters of a group. */
  #withoutRoom(group: LimitGroup, known: LimitedNamespace): ReadonlySet<LimitRule> {
    const before = this.#leftOut.get(group);
    if (before !== undefined) return before;
    const rules = group.members.flatMap(({ limiter: name, set }) => {
      const limiter = known.limiter(name);
      return limiter === undefined ? [] : this.#rulesOfSet(limiter, set).map(({ rule }) => rule);
    });
    const leftOut = new Set(rulesWithoutRoom(rules));
    this.#leftOut.set(group, leftOut);
    return leftOut;
  }

  /** Whether rules of a limiter belong into an EnvoyFilter of another one that does not exist. */
  #isMissing({ namespace, name }: ObjectRef, group: LimitGroup, decisions: readonly RuleDecision[]): boolean {
    const sets = new Set(group.members.flatMap((member) => (member.limiter === name ? [member.set] : [])));
    if (!decisions.some(({ rule, isActive }) => isActive && sets.has(rule.set))) return false;
    const { limiter, set } = group.owner;
    const filter = limitsName({ name: limiter, namespace }, set);
    const rendered = this.#options.store.ownedBy({ kind: SMART_LIMITER.name, namespace, name: limiter });
    return !hasLimits(rendered, filter, group.owner.labels);
  }

  #rulesOfSet(limiter: SmartLimiter, set: string): readonly DecidedRule[] {
    return this.#rulesOf(limiter).rules.filter(({ rule }) => rule.set === set);
  }

  /** Read once for each version of a spec. */
  #rulesOf(limiter: SmartLimiter): LimiterRules {
    const id = refText(refOf(SMART_LIMITER.name, limiter));
    const before = this.#rules.get(id);
    if (before !== undefined && before.limiter === limiter) return before;
    const isSame = before !== undefined && isDeepStrictEqual(before.limiter.spec, limiter.spec);
    const stored = before === undefined ? limiter.status?.rules : [];
    const read = isSame ? { ...before, limiter } : readRules(limiter, this.#options.metrics(limiter), before, stored);
    this.#rules.set(id, read);
    return read;
  }
}

const NO_ROOM = {
  reason: "TooManyRules",
  message: "the EnvoyFilter of its pods would be larger than an API server takes: write fewer rules, routes or addresses",
} as const;

/** The groups of a limiter's sets. */
function groupsBySet(name: string, groups: readonly LimitGroup[]): ReadonlyMap<string, LimitGroup> {
  return new Map(
    groups.flatMap((group) => group.members.filter(({ limiter }) => limiter === name).map(({ set }) => [set, group] as const)),
  );
}

function partition<T>(list: readonly T[], isFirst: (each: T) => boolean): readonly [first: readonly T[], second: readonly T[]] {
  return [list.filter(isFirst), list.filter((each) => !isFirst(each))];
}

function withoutValues(status: SmartLimiterStatus | undefined): SmartLimiterStatus | undefined {
  return status && { ...status, metricStatus: undefined };
}
