import { isDeepStrictEqual } from "node:util";
import {
  DESTINATION_RULE,
  type DestinationRule,
  type ObjectRef,
  refOf,
  refText,
  SMART_LIMITER,
  type SmartLimiter,
  type SmartLimiterStatus,
} from "@fenceline/api";
import type { Desired, Reconciler } from "@fenceline/control";
import type { Material } from "@fenceline/limits";
import { RecordedLookup } from "@fenceline/registry";
import { type LimitedPods, type LimitGroup, limitGroups } from "@fenceline/render/limiter";
import type { Obstacle } from "@fenceline/store";
import type { KindContext } from "../kind-context.ts";
import { RegistryReads } from "../registry-reads.ts";
import { desiredLimiter } from "./desired-limiter.ts";
import { podCounts } from "./limiter-material.ts";
import { decide, type LimiterRules, type MetricNames, readRules } from "./limiter-rules.ts";
import type { LimiterSeen, RuleDecision, WantedLimits } from "./limiter-seen.ts";
import { podsOfSets, type SetPods } from "./limiter-sets.ts";

/** What a {@link LimiterReconciler} reads. */
export interface LimiterReconcilerOptions extends Pick<KindContext, "store" | "mesh" | "now"> {
  readonly obstacles: (of: ObjectRef) => readonly Obstacle[];
  /** Values of metrics, as they were last told. */
  readonly values: (limiter: SmartLimiter) => Material;
  /** Metrics that a limiter may name. */
  readonly metrics: (limiter: SmartLimiter) => MetricNames;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
}

/** A limiter with what there is to know of it now. */
interface Observed {
  readonly limiter: SmartLimiter;
  readonly known: LimiterRules;
  readonly sets: readonly SetPods[];
  readonly material: Material;
  readonly decisions: readonly RuleDecision[];
}

/** What is particular to a SmartLimiter in the loop of a controller. */
export class LimiterReconciler implements Reconciler<LimiterSeen, SmartLimiterStatus> {
  readonly kind = SMART_LIMITER;
  /** What was read for each limiter when it was last observed. */
  readonly reads = new RegistryReads();
  readonly #options: LimiterReconcilerOptions;
  readonly #rules = new Map<string, LimiterRules>();

  constructor(options: LimiterReconcilerOptions) {
    this.#options = options;
  }

  observe(of: ObjectRef): LimiterSeen | undefined {
    const { store, mesh, now, obstacles } = this.#options;
    const limiter = store.objectOf(SMART_LIMITER, of);
    if (limiter === undefined) return undefined;
    const registry = new RecordedLookup(mesh().registry);
    const destinationRules = inNamespace(store.snapshot().of(DESTINATION_RULE), of.namespace);
    const beside = this.besides(of.namespace).map((each) => this.#observed(each, registry, destinationRules));
    this.reads.set(of, [registry.reads]);
    const own = beside.find((each) => each.limiter === limiter);
    if (own === undefined) return undefined;
    const groups = limitGroups(beside.flatMap(limitedPods));
    const isOwn = ({ owner }: LimitGroup) => owner.limiter === of.name;
    const isMember = ({ members }: LimitGroup) => members.some((member) => member.limiter === of.name);
    return {
      ...own,
      faults: own.known.faults,
      wanted: groups.filter(isOwn).map((group) => wantedLimits(group, beside)),
      sharedWith: groups.filter((group) => isMember(group) && !isOwn(group)).map(({ owner }) => owner.limiter),
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
    return isDeepStrictEqual(this.#options.store.objectOf(SMART_LIMITER, of)?.status, status) ? undefined : status;
  }

  forget(of: ObjectRef): void {
    this.reads.delete(of);
    this.#rules.delete(refText(of));
  }

  /** The limiters of a namespace: their rules may be for the same pods. */
  besides(namespace: string): readonly SmartLimiter[] {
    return inNamespace(this.#options.store.snapshot().of(SMART_LIMITER), namespace);
  }

  #observed(limiter: SmartLimiter, registry: RecordedLookup, destinationRules: readonly DestinationRule[]): Observed {
    const { values, clock = () => performance.now() } = this.#options;
    const { namespace } = limiter.metadata;
    const known = this.#rulesOf(limiter);
    const sets = podsOfSets({ limiter, registry, destinationRules });
    const all = new Map([...podCounts(sets, namespace, registry), ...values(limiter)]);
    const decisions = known.rules.map((rule) => decide(rule, all, clock()));
    const named = new Set(known.rules.flatMap(({ names }) => names));
    return { limiter, known, sets, decisions, material: new Map([...all].filter(([name]) => named.has(name))) };
  }

  /** Read once for each spec. */
  #rulesOf(limiter: SmartLimiter): LimiterRules {
    const id = refText(refOf(SMART_LIMITER.name, limiter));
    const before = this.#rules.get(id);
    if (before !== undefined && (before.limiter === limiter || isDeepStrictEqual(before.limiter.spec, limiter.spec))) return before;
    const read = readRules(limiter, this.#options.metrics(limiter), before, before === undefined ? limiter.status?.rules : []);
    this.#rules.set(id, read);
    return read;
  }
}

function inNamespace<O extends { readonly metadata: { readonly namespace: string } }>(
  objects: readonly O[],
  namespace: string,
): readonly O[] {
  return objects.filter(({ metadata }) => metadata.namespace === namespace);
}

function limitedPods({ limiter: { metadata }, sets }: Observed): readonly LimitedPods[] {
  const createdAt = Date.parse(metadata.creationTimestamp ?? "") || 0;
  return sets.flatMap((each) => ("labels" in each ? [{ limiter: metadata.name, createdAt, set: each.set, labels: each.labels }] : []));
}

function wantedLimits({ owner, members, filterName }: LimitGroup, beside: readonly Observed[]): WantedLimits {
  const decisions = members.flatMap(
    (member) =>
      beside.find(({ limiter }) => limiter.metadata.name === member.limiter)?.decisions.filter(({ rule }) => rule.set === member.set) ?? [],
  );
  return { owner, labels: owner.labels, filterName, decisions };
}
