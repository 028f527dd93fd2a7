import { type FenceCondition, type Judgement, type ServiceFenceStatus, shortenedList } from "@fenceline/api";
import type { EdgesSeen } from "@fenceline/edges";
import type { Rendered } from "@fenceline/render/fence";
import { verdictOfStatus } from "@fenceline/render/report";

type FenceJudgement = Judgement<FenceCondition["type"]>;

/** The input of the verdict beside the conditions. */
export interface VerdictInput {
  readonly rendered: Rendered;
  readonly edges: EdgesSeen;
  readonly previous: Pick<ServiceFenceStatus, "observedUntil">;
  /** Milliseconds after which a host that is not seen ages out. */
  readonly idleWindow: number;
}

/**
 * Adds to `Enforced` of a fence in Observe whether it may be enforced.
 *
 * It names the verdict and its reasons, and no number: what a fence would hide changes with every
 * Service of the mesh, what was observed with every call, and each change is a write.
 */
export function withVerdict(judgements: readonly FenceJudgement[], input: VerdictInput): readonly FenceJudgement[] {
  if (input.rendered.mode !== "Observe") return judgements;
  const text = verdictText(judgements, input);
  return judgements.map((each) => {
    const says = each.type === "Enforced" && each.reason === "ModeObserve";
    return says ? { ...each, message: `${each.message}; ${text}, see fenceline report` } : each;
  });
}

function verdictText(conditions: readonly FenceJudgement[], { rendered, edges, previous, idleWindow }: VerdictInput): string {
  const refused = "inEnforce" in rendered ? rendered.inEnforce : undefined;
  const before = previous.observedUntil === undefined ? undefined : Date.parse(previous.observedUntil);
  const input = { mode: rendered.mode, refused, conditions, edges: edges.hosts, idleWindow, isService: () => true };
  const { verdict, reasons } = verdictOfStatus(input, edges.observedUntil ?? before);
  if (verdict === "Ready") return "nothing speaks against enforcing it";
  return `${verdict === "Wait" ? "wait before it is enforced" : "do not enforce it"}: ${shortenedList(reasons, ", ")}`;
}
