import { type ObjectRef, outlivesOwner, type RenderedObject, refText, withoutOwner } from "@fenceline/api";
import type { Remains } from "@fenceline/control";
import { ParkedHosts } from "@fenceline/render/fence";
import { nextStep } from "./sidecar-steps.ts";
import type { StepsSeen } from "./steps-seen.ts";

/** What is known of what is left of a fence. */
export interface Left extends Pick<StepsSeen, "pause" | "clock" | "unfenced" | "named"> {
  readonly present: readonly RenderedObject[];
  /** Since when its hosts have been parked, if it existed until now. */
  readonly parked: ParkedHosts | undefined;
}

/**
 * Removes what is rendered for fences that are gone, in the same steps as for one that is switched
 * off.
 *
 * An object without the second owner is deleted at once. Kubernetes' garbage collector is deleting
 * it, and a write could make it again.
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
    // In the end everything is shown, and no call waits.
    const { objects, nextStepIn } = nextStep(left, [], { ...seen, parked, isHttp: () => false });
    // A written object names its remaining owners; nothing is written for that alone.
    return { objects: objects.map((object) => (left.includes(object) ? object : withoutOwner(object))), nextStepIn };
  }

  /** The fence exists again. */
  forget(of: ObjectRef): void {
    this.#parked.delete(refText(of));
  }
}
