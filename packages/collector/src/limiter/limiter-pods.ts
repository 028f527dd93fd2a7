import type { SmartLimiter } from "@fenceline/api";
import type { Material } from "@fenceline/limits";
import { type Reads, RecordedLookup, type Registry } from "@fenceline/registry";
import type { LimitedPods } from "@fenceline/render/limiter";
import { podCounts } from "./limiter-material.ts";
import { podPortsOf, portsNamed } from "./limiter-ports.ts";
import { MOST_SETS, podsOfSets, type SetPods, type SetSources } from "./limiter-sets.ts";

/** The pods of a limiter. */
export interface LimiterPods {
  readonly sets: readonly SetPods[];
  /** How many pods its sets have. */
  readonly counts: Material;
  /** What was read of the registry for it. */
  readonly reads: Reads;
}

/** Looks up the pods of a limiter. */
export function limiterPods(limiter: SmartLimiter, sources: SetSources, mesh: Registry): LimiterPods {
  const { namespace } = limiter.metadata;
  const registry = new RecordedLookup(mesh);
  const sets = podsOfSets(limiter, sources, registry);
  const counts = podCounts(namespace, sets, registry);
  for (const each of sets) {
    if (!("labels" in each)) continue;
    const podPorts = podPortsOf(namespace, each, registry);
    // Recorded, so that the limiter is looked at when they change; used when it is rendered.
    for (const port of portsNamed(limiter, each.set)) podPorts(port);
  }
  return { sets, counts, reads: registry.reads };
}

/** For a limiter for which its namespace has no room: nothing is looked up. */
export function withoutRoom({ spec }: SmartLimiter): LimiterPods {
  const message = `the older limiters of the namespace leave no room for it: ${MOST_SETS.toLocaleString("en")} sets are taken in a namespace; write fewer`;
  const sets = Object.keys(spec.sets).map((set) => ({ set, missing: { reason: "TooManySets", message } as const }));
  return { sets, counts: new Map(), reads: NOTHING };
}

const NOTHING: Reads = { names: new Set(), endpoints: new Set(), labels: new Set(), all: false, tcp: false };

/** The sets of a limiter whose pods are known. */
export function limitedPods(limiter: SmartLimiter, { sets }: LimiterPods): readonly LimitedPods[] {
  const { name } = limiter.metadata;
  return sets.flatMap((each) =>
    "labels" in each ? [{ limiter: name, createdAt: createdAt(limiter), set: each.set, labels: each.labels }] : [],
  );
}

/** When a limiter was made, in milliseconds; 0 where that is not known. */
export function createdAt({ metadata: { creationTimestamp = "" } }: SmartLimiter): number {
  return Date.parse(creationTimestamp) || 0;
}
