import { compareText, type FenceKey, fenceKeyOf, fenceMode, formatFenceKey, type Labels, type ServiceFence } from "@fenceline/api";
import type { FenceOfPods } from "../fence-table.ts";
import { mayMeet } from "./conflict.ts";

/** What {@link Standings} read. It does not change until {@link Standings.clear}. */
export interface StandingsOptions {
  /** Fences of a namespace that may select pods with these labels. */
  readonly besides: (namespace: string, labels: Labels) => readonly FenceOfPods[];
  /** Labels of pods that are known to be of a fence with these labels. */
  readonly podsOf: (fence: FenceKey, labels: Labels) => readonly Labels[];
}

/** A fence whose standing is being computed. */
interface Judged {
  readonly id: string;
  readonly older: readonly FenceOfPods[];
  /** How many of the older fences are known to give way. */
  passed: number;
}

/**
 * Which of the fences for the same pods are in force: from the oldest to the youngest, each that
 * shares no pods with one in force. So a fence that gives way itself stops no other. The result
 * depends only on the fences, and not on the order in which they are looked at.
 */
export class Standings {
  readonly #options: StandingsOptions;
  readonly #givesWay = new Map<string, boolean>();

  constructor(options: StandingsOptions) {
    this.#options = options;
  }

  /** Must be called whenever a fence, or what is known of pods, may have changed. */
  clear(): void {
    this.#givesWay.clear();
  }

  /** The fences to which this one gives way, the oldest first; none if it is in force, or off. */
  rivalsOf(of: FenceOfPods): readonly ServiceFence[] {
    return this.#older(of).flatMap((each) => (this.givesWay(each) ? [] : [each.fence]));
  }

  /** Whether this one gives way to any fence. */
  givesWay(of: FenceOfPods): boolean {
    const known = this.#givesWay.get(idOf(of));
    if (known !== undefined) return known;
    // Not recursive: a namespace may have a chain of thousands.
    const stack = [this.#judged(of)];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.older[top.passed];
      const standing = next && this.#givesWay.get(idOf(next));
      if (next !== undefined && standing === undefined) stack.push(this.#judged(next));
      else if (standing === true) top.passed += 1;
      else {
        this.#givesWay.set(top.id, next !== undefined);
        stack.pop();
      }
    }
    return this.#givesWay.get(idOf(of)) === true;
  }

  #judged(of: FenceOfPods): Judged {
    return { id: idOf(of), older: this.#older(of), passed: 0 };
  }

  /** Older fences that ask for something and may select one of its pods. */
  #older({ fence, labels }: FenceOfPods): readonly FenceOfPods[] {
    if (fenceMode(fence.spec) === "Off") return [];
    const { besides, podsOf } = this.#options;
    const key = fenceKeyOf(fence);
    const older = besides(key.namespace, labels).filter((other) => fenceMode(other.fence.spec) !== "Off" && byAge(other.fence, fence) < 0);
    // Few fences have any, and to find what is known of pods takes a look at every Service.
    if (older.length === 0) return [];
    const pods = podsOf(key, labels);
    return older.filter((other) => mayMeet(labels, other.labels, pods)).toSorted((one, other) => byAge(one.fence, other.fence));
  }
}

function idOf({ fence }: FenceOfPods): string {
  return formatFenceKey(fenceKeyOf(fence));
}

/** By age, then by name: in a folder no fence has an age. */
function byAge({ metadata: one }: ServiceFence, { metadata: other }: ServiceFence): number {
  return compareText(one.creationTimestamp ?? "", other.creationTimestamp ?? "") || compareText(one.name, other.name);
}
