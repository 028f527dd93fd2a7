import { type ObjectRef, outlivesOwner, type RenderedObject, refText, withoutOwner } from "@fenceline/api";
import type { Remains } from "@fenceline/control";
import { ParkedHosts } from "@fenceline/render/fence";
import { nextStep } from "./sidecar-steps.ts";
import type { StepsSeen } from "./steps-seen.ts";

/** What is known of what is left of a fence. */
export interface Left extends Pick<StepsSeen, "pause" | "clock" | "unfenced" | "named"> {
  readonly present: readonly RenderedObject[];
  /** Since when its hosts are parked, where it was there until now. */
  readonly parked: ParkedHosts | undefined;
}

/**
 * Takes away what is rendered for fences that are gone, by the steps by which one that is switched
 * off ends.
 *
 * What does not outlive its fence goes at once: Kubernetes' garbage collector takes it away
 * meanwhile, and who wrote to it might make it anew.
 */
export class LeavingFences {
  readonly #parked = new Map<string, ParkedHosts>();

  next(of: ObjectRef, { present, parked: known, ...seen }: Left): Remains {
    const id = refText(of);
    const left = present.filter(outlivesOwner);
    if (left.length === 0) {
      this.#parked.delete(id);
      return { objects: [] };
    }
    const parked = this.#parked.get(id) ?? known ?? new ParkedHosts();
    this.#parked.set(id, parked);
    parked.see(
      left.find((object) => object.kind === "Sidecar"),
      seen.clock,
      seen.unfenced,
    );
    // It shows everything in the end, and calls to that wait nowhere.
    const { objects, nextStepIn } = nextStep(left, [], { ...seen, parked, isHttp: () => false });
    // What is written says whose it still is; nothing is written for that alone.
    return { objects: objects.map((object) => (left.includes(object) ? object : withoutOwner(object))), nextStepIn };
  }

  /** The fence is there again. */
  forget(of: ObjectRef): void {
    this.#parked.delete(refText(of));
  }
}
