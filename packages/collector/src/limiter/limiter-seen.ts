import type { Labels, RenderedObject, SmartLimiter } from "@fenceline/api";
import type { Decision, Material } from "@fenceline/limits";
import type { LimitedPods, LimitFault, LimitRule, PodPorts } from "@fenceline/render/limiter";
import type { NamespaceRefusal } from "@fenceline/render/reach";
import type { Obstacle } from "@fenceline/store";
import type { UnreadKind } from "../fence/mesh-objects-condition.ts";
import type { ProxiesSeen } from "../sources/istiods/proxy-syncs.ts";
import type { MissingPods, SetPods } from "./limiter-sets.ts";

/** The decision for a rule, or why it is not in force whatever the values are. */
export interface RuleDecision extends Omit<Decision, "reason"> {
  readonly rule: LimitRule;
  readonly reason: Decision["reason"] | MissingPods["reason"] | "TooManyRules";
}

/** An EnvoyFilter that a limiter should have: all limits of some pods. */
export interface WantedLimits {
  readonly owner: LimitedPods;
  readonly labels: Labels;
  readonly filterName: string;
  readonly podPorts: PodPorts;
  /** What others left for these pods, in the form for a message: it goes first. */
  readonly left: readonly string[];
  /** Those of all limiters for these pods, in order. */
  readonly decisions: readonly RuleDecision[];
}

/** Everything that decides what a limiter asks for, at one moment. */
export interface LimiterSeen {
  readonly limiter: SmartLimiter;
  readonly faults: readonly LimitFault[];
  /** Why nothing is rendered in its namespace; undefined where rendering is allowed. */
  readonly refusal: NamespaceRefusal | undefined;
  readonly sets: readonly SetPods[];
  /** Decisions for its own rules. */
  readonly decisions: readonly RuleDecision[];
  /** Values that its rules name. */
  readonly material: Material;
  /** Why some of these values are missing, by name. */
  readonly valueFaults: ReadonlyMap<string, string>;
  readonly wanted: readonly WantedLimits[];
  /** Limiters that have this one's rules in their EnvoyFilters. */
  readonly sharedWith: readonly string[];
  /** Those of {@link sharedWith} whose EnvoyFilter with its rules does not exist. */
  readonly sharedMissing: readonly string[];
  /** What istiods report about the proxies of all sets. Undefined where they are not asked. */
  readonly proxies: ProxiesSeen | undefined;
  readonly present: readonly RenderedObject[];
  readonly obstacles: readonly Obstacle[];
  /** Kinds of the mesh that cannot be read. */
  readonly unread: readonly UnreadKind[];
  /** Whether it, or its namespace, is being deleted. */
  readonly isEnding: boolean;
  /** Milliseconds of the wall clock. */
  readonly now: number;
}
