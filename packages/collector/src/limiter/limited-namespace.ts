import { compareText, type DestinationRule, type SmartLimiter } from "@fenceline/api";
import type { Material } from "@fenceline/limits";
import { type Reads, RecordedLookup, type Registry } from "@fenceline/registry";
import { type LimitedPods, type LimitGroup, limitGroups, type PodPorts } from "@fenceline/render/limiter";
import { podCounts, servicesBySelector } from "./limiter-material.ts";
import { podPortsOf, portsNamed } from "./limiter-ports.ts";
import { MOST_SETS, podsOfSets, type SetPods, setSources } from "./limiter-sets.ts";

/** A limiter, and the pods that its sets are for. */
export interface LimiterPods {
  readonly limiter: SmartLimiter;
  readonly sets: readonly SetPods[];
  /** How many pods its sets have. */
  readonly counts: Material;
}

/** What is known of all limiters of a namespace, since they share what is rendered. */
export interface LimitedNamespace {
  /** By their names. */
  readonly limiters: ReadonlyMap<string, LimiterPods>;
  readonly groups: readonly LimitGroup[];
  readonly podPorts: (group: LimitGroup) => PodPorts;
  /** What was asked of the registry. */
  readonly reads: Reads;
}

/** What a {@link LimitedNamespace} is worked out from. */
export interface LimitedNamespaceInput {
  readonly namespace: string;
  readonly limiters: readonly SmartLimiter[];
  /** Those of the namespace. */
  readonly destinationRules: readonly DestinationRule[];
  readonly registry: Registry;
}

/** Worked out once for all limiters of a namespace: each reads most of it. */
export function limitedNamespace({ namespace, limiters, destinationRules, registry: mesh }: LimitedNamespaceInput): LimitedNamespace {
  const registry = new RecordedLookup(mesh);
  const sources = setSources(namespace, destinationRules, registry);
  const services = servicesBySelector(namespace, registry);
  const known = new Map<string, LimiterPods>();
  let room = MOST_SETS;
  for (const limiter of limiters.toSorted(byAge)) {
    const count = Object.keys(limiter.spec.sets).length;
    const sets = count > room ? withoutRoom(limiter) : podsOfSets(limiter, sources);
    if (count <= room) room -= count;
    known.set(limiter.metadata.name, { limiter, sets, counts: podCounts(sets, services, registry) });
  }
  const groups = limitGroups([...known.values()].flatMap(limitedPods));
  const named = groups.map((group) => ({ group, ports: new Set(group.members.flatMap((member) => portsOf(member, known))) }));
  const podPorts = podPortsOf(namespace, named, registry);
  return { limiters: known, groups, podPorts, reads: registry.reads };
}

function portsOf({ limiter, set }: Pick<LimitedPods, "limiter" | "set">, known: ReadonlyMap<string, LimiterPods>): readonly number[] {
  const pods = known.get(limiter);
  return pods === undefined ? [] : portsNamed(pods.limiter, set);
}

function withoutRoom({ spec }: SmartLimiter): readonly SetPods[] {
  const message = `the older limiters of the namespace leave no room for it: ${MOST_SETS.toLocaleString("en")} sets are taken in a namespace; write fewer`;
  return Object.keys(spec.sets).map((set) => ({ set, missing: { reason: "TooManySets", message } }));
}

function limitedPods({ limiter, sets }: LimiterPods): readonly LimitedPods[] {
  return sets.flatMap((each) =>
    "labels" in each ? [{ limiter: limiter.metadata.name, createdAt: createdAt(limiter), set: each.set, labels: each.labels }] : [],
  );
}

function byAge(one: SmartLimiter, other: SmartLimiter): number {
  return createdAt(one) - createdAt(other) || compareText(one.metadata.name, other.metadata.name);
}

function createdAt({ metadata: { creationTimestamp = "" } }: SmartLimiter): number {
  return Date.parse(creationTimestamp) || 0;
}
