import { isDeepStrictEqual } from "node:util";
import {
  DESTINATION_RULE,
  type ObjectRef,
  refOf,
  refText,
  SMART_LIMITER,
  type SmartLimiter,
  type SmartLimiterStatus,
} from "@fenceline/api";
import type { Desired, Reconciler } from "@fenceline/control";
import type { Material } from "@fenceline/limits";
import { type LimitGroup, type LimitRule, rulesWithoutRoom } from "@fenceline/render/limiter";
import { reservedNamespace } from "@fenceline/render/reach";
import type { Obstacle } from "@fenceline/store";
import type { KindContext } from "../kind-context.ts";
import { RegistryReads } from "../registry-reads.ts";
import { desiredLimiter } from "./desired-limiter.ts";
import { type LimitedNamespace, type LimiterPods, limitedNamespace } from "./limited-namespace.ts";
import { type DecidedRule, decide, type LimiterRules, type MetricNames, readRules } from "./limiter-rules.ts";
import type { LimiterSeen, RuleDecision, WantedLimits } from "./limiter-seen.ts";
import { limitsName } from "./limits-name.ts";
import { SMALLEST, smallerStatus } from "./smaller-status.ts";

/** What a {@link LimiterReconciler} reads. */
export interface LimiterReconcilerOptions extends Pick<KindContext, "store" | "mesh" | "now" | "proxies"> {
  readonly obstacles: (of: ObjectRef) => readonly Obstacle[];
  /** Values of metrics, as they were last told. */
  readonly values: (limiter: SmartLimiter) => Material;
  /** Metrics that a limiter may name. */
  readonly metrics: (limiter: SmartLimiter) => MetricNames;
  /** Asks for the status of a limiter whose rules stand in another one's EnvoyFilter. */
  readonly onRenderedFor: (of: ObjectRef) => void;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
}

/** A namespace as it was when its limiters were last looked at. */
interface KnownNamespace extends LimitedNamespace {
  /** As the store gave them: another list where one of them is another. */
  readonly of: readonly SmartLimiter[];
  /** Rules that an EnvoyFilter has no room for, by its group. */
  readonly leftOut: Map<LimitGroup, ReadonlySet<LimitRule>>;
}

/** What is particular to a SmartLimiter in the loop of a controller. */
export class LimiterReconciler implements Reconciler<LimiterSeen, SmartLimiterStatus> {
  readonly kind = SMART_LIMITER;
  /** What was read for the limiters of each namespace. */
  readonly reads = new RegistryReads();
  readonly #options: LimiterReconcilerOptions;
  readonly #rules = new Map<string, LimiterRules>();
  readonly #namespaces = new Map<string, KnownNamespace>();
  /** How often the status of a limiter was refused as too large. */
  readonly #refused = new Map<string, number>();
  /** By limiter, those that had its rules in their EnvoyFilters when it was last observed. */
  readonly #sharing = new Map<string, ReadonlySet<string>>();

  constructor(options: LimiterReconcilerOptions) {
    this.#options = options;
  }

  observe(of: ObjectRef): LimiterSeen | undefined {
    const { store, mesh, now, obstacles, proxies } = this.#options;
    const known = this.#namespace(of.namespace);
    const pods = known.limiters.get(of.name);
    if (pods === undefined) return undefined;
    const { limiter, sets } = pods;
    const { config } = mesh();
    const refusal = reservedNamespace(
      refOf(SMART_LIMITER.name, limiter),
      "a limiter there could turn everybody's first calls away",
      config,
    );
    const groups = known.groups.filter(({ members }) => members.some((member) => member.limiter === of.name));
    const isOwn = ({ owner }: LimitGroup) => owner.limiter === of.name;
    const shared = groups.filter((group) => !isOwn(group));
    this.#sharing.set(refText(of), new Set(shared.map(({ owner }) => owner.limiter)));
    const decisions = refusal === undefined ? this.#decisions(pods, known) : [];
    return {
      limiter,
      sets,
      refusal,
      faults: this.#rulesOf(limiter).faults,
      decisions,
      material: this.#named(pods),
      wanted: refusal === undefined ? groups.filter(isOwn).map((group) => this.#wanted(group, known)) : [],
      sharedWith: shared.map(({ owner }) => owner.limiter),
      sharedMissing: shared.filter((group) => this.#isMissing(of, group, decisions)).map(({ owner }) => owner.limiter),
      proxies: proxies?.(
        of.namespace,
        sets.flatMap((each) => ("labels" in each ? [each.labels] : [])),
      ),
      present: store.ownedBy(of),
      obstacles: obstacles(of),
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
    return isDeepStrictEqual(stored, smaller) ? undefined : smaller;
  }

  statusTooLarge(of: ObjectRef): void {
    this.#refused.set(refText(of), Math.min(SMALLEST, (this.#refused.get(refText(of)) ?? 0) + 1));
  }

  /** What was written, or is not there any more, may have rules of others in it. */
  told(of: ObjectRef): void {
    for (const limiter of this.besides(of.namespace)) {
      const other = refOf(SMART_LIMITER.name, limiter);
      if (this.#sharing.get(refText(other))?.has(of.name) === true) this.#options.onRenderedFor(other);
    }
  }

  forget(of: ObjectRef): void {
    this.#sharing.delete(refText(of));
    this.#refused.delete(refText(of));
    this.#rules.delete(refText(of));
    if (this.besides(of.namespace).length > 0) return;
    this.#namespaces.delete(of.namespace);
    this.reads.delete(namespaceRef(of.namespace));
  }

  /** The limiters of a namespace: their rules may be for the same pods. */
  besides(namespace: string): readonly SmartLimiter[] {
    return inNamespace(this.#options.store.snapshot().of(SMART_LIMITER), namespace);
  }

  /** Something that limiters of these namespaces read is another now. */
  changed(namespaces: Iterable<string>): void {
    for (const namespace of namespaces) this.#namespaces.delete(namespace);
  }

  #namespace(namespace: string): KnownNamespace {
    const { store, mesh } = this.#options;
    const of = store.snapshot().of(SMART_LIMITER);
    const before = this.#namespaces.get(namespace);
    if (before?.of === of) return before;
    const destinationRules = inNamespace(store.snapshot().of(DESTINATION_RULE), namespace);
    const limiters = inNamespace(of, namespace);
    const known = { ...limitedNamespace({ namespace, limiters, destinationRules, registry: mesh().registry }), of, leftOut: new Map() };
    this.#namespaces.set(namespace, known);
    this.reads.set(namespaceRef(namespace), [known.reads]);
    return known;
  }

  /** All rules of a limiter: also those whose pods are not known, or that there is no room for. */
  #decisions(pods: LimiterPods, known: KnownNamespace): readonly RuleDecision[] {
    const groups = groupsOf(pods.limiter, known);
    const missing = new Map(pods.sets.flatMap((each) => ("missing" in each ? [[each.set, each.missing] as const] : [])));
    const material = this.#material(pods);
    return this.#rulesOf(pods.limiter).rules.map((each) => {
      const group = groups.get(each.rule.set);
      const hasRoom = group === undefined || !this.#leftOut(group, known).has(each.rule);
      const why = missing.get(each.rule.set) ?? (hasRoom ? undefined : NO_ROOM);
      return why === undefined ? this.#decided(each, material) : { rule: each.rule, isActive: false, quota: undefined, ...why };
    });
  }

  #wanted(group: LimitGroup, known: KnownNamespace): WantedLimits {
    const leftOut = this.#leftOut(group, known);
    const decisions = group.members.flatMap(({ limiter, set }) => {
      const pods = known.limiters.get(limiter);
      if (pods === undefined) return [];
      const rules = this.#rulesOf(pods.limiter).rules.filter(({ rule }) => rule.set === set && !leftOut.has(rule));
      const material = this.#material(pods);
      return rules.map((each) => this.#decided(each, material));
    });
    return { owner: group.owner, labels: group.owner.labels, filterName: group.filterName, podPorts: known.podPorts(group), decisions };
  }

  #decided(rule: DecidedRule, material: Material): RuleDecision {
    const { clock = () => performance.now() } = this.#options;
    return decide(rule, material, clock());
  }

  #material({ limiter, counts }: LimiterPods): Material {
    return new Map([...counts, ...this.#options.values(limiter)]);
  }

  /** Values that the limiter's rules name. */
  #named(pods: LimiterPods): Material {
    const named = new Set(this.#rulesOf(pods.limiter).rules.flatMap(({ names }) => names));
    return new Map([...this.#material(pods)].filter(([name]) => named.has(name)));
  }

  /** Worked out once for all limiters of a group. */
  #leftOut(group: LimitGroup, known: KnownNamespace): ReadonlySet<LimitRule> {
    const before = known.leftOut.get(group);
    if (before !== undefined) return before;
    const rules = group.members.flatMap(({ limiter, set }) => {
      const pods = known.limiters.get(limiter);
      return pods === undefined ? [] : this.#rulesOf(pods.limiter).rules.flatMap(({ rule }) => (rule.set === set ? [rule] : []));
    });
    const leftOut = new Set(rulesWithoutRoom(rules));
    known.leftOut.set(group, leftOut);
    return leftOut;
  }

  /** Whether rules of a limiter are to stand in an EnvoyFilter of another one that is not there. */
  #isMissing({ namespace, name }: ObjectRef, group: LimitGroup, decisions: readonly RuleDecision[]): boolean {
    const sets = new Set(group.members.flatMap((member) => (member.limiter === name ? [member.set] : [])));
    if (!decisions.some(({ rule, isActive }) => isActive && sets.has(rule.set))) return false;
    const { limiter, set } = group.owner;
    const filter = limitsName({ name: limiter, namespace }, set);
    const rendered = this.#options.store.ownedBy({ kind: SMART_LIMITER.name, namespace, name: limiter });
    return !rendered.some(({ metadata }) => metadata.name === filter);
  }

  /** Read once for each spec. */
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

/** Stands for the limiters of a namespace, of which no one has an empty name. */
function namespaceRef(namespace: string): ObjectRef {
  return { kind: SMART_LIMITER.name, namespace, name: "" };
}

interface Namespaced {
  readonly metadata: { readonly namespace: string };
}

/** Lists by namespace. A list is the same one until an object of it changes. */
const byNamespace = new WeakMap<readonly Namespaced[], ReadonlyMap<string, readonly Namespaced[]>>();

/** The objects of a namespace. The whole list is looked through once, however many limiters ask. */
function inNamespace<O extends Namespaced>(objects: readonly O[], namespace: string): readonly O[] {
  const known = byNamespace.get(objects) ?? Map.groupBy(objects, ({ metadata }) => metadata.namespace);
  byNamespace.set(objects, known);
  return (known.get(namespace) ?? []) as readonly O[];
}

/** The groups that a limiter's sets are in. */
function groupsOf({ metadata: { name } }: SmartLimiter, { groups }: KnownNamespace): ReadonlyMap<string, LimitGroup> {
  return new Map(
    groups.flatMap((group) => group.members.filter(({ limiter }) => limiter === name).map(({ set }) => [set, group] as const)),
  );
}
