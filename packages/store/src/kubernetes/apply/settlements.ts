import { isDeepStrictEqual } from "node:util";
import { doublingPause, FencelineError, type PauseLimits, type RenderedObject } from "@fenceline/api";
import type { LiveObject } from "./live-object.ts";

/** What the API server made of the last write of an object. */
interface Settlement {
  readonly desired: RenderedObject;
  readonly live: LiveObject;
  readonly writtenAt: number;
  /** Writes of this same desired object in a row. */
  readonly writes: number;
}

/** Pauses before the same object is written again because somebody changed it. */
const PAUSE: PauseLimits = { first: 1_000, longest: 30_000 };
/** Whoever changes our object less often than this, in milliseconds, is a person and not a loop. */
const CALM = 300_000;

/**
 * Remembers for each object what was wanted and what the API server made of it.
 *
 * A webhook or a default may add to what we write. What came back then counts as what we wanted, or
 * every look at it would cause a write, and every write an event to look at. And whoever changes
 * our object back again and again gets one answer a second at first, one in half a minute later:
 * two controllers that fight must not keep istiod busy.
 */
export class Settlements {
  readonly #settled = new Map<string, Settlement>();

  /**
   * What the live object stands for: the object that we wanted, or undefined when somebody changed
   * it since, or we never wrote it.
   */
  wanted(key: string, live: LiveObject): RenderedObject | undefined {
    const settled = this.#settled.get(key);
    if (settled === undefined || !isDeepStrictEqual(settled.live, live)) return undefined;
    if (settled.live !== live) this.#settled.set(key, { ...settled, live, desired: sharing(settled.desired, live) });
    return settled.desired;
  }

  /**
   * @throws {FencelineError} `OBJECT_CONTESTED` when the same object was written a moment ago, and
   * somebody changed it since
   */
  mayWrite(key: string, desired: RenderedObject, now: number): void {
    const settled = this.#settled.get(key);
    if (settled === undefined || !isDeepStrictEqual(settled.desired, desired)) return;
    if (now - settled.writtenAt >= doublingPause(settled.writes, PAUSE)) return;
    const { namespace, name } = desired.metadata;
    throw new FencelineError("OBJECT_CONTESTED", {
      at: { object: `${desired.kind} ${namespace}/${name}` },
      message: `somebody changed it ${settled.writes} times after it was written`,
      hint: "find who else writes it in its metadata.managedFields",
    });
  }

  /** Takes note of what came back from a write, or of a live object that is as desired already. */
  settle(key: string, desired: RenderedObject, live: LiveObject, write: { readonly at: number } | undefined): void {
    const before = this.#settled.get(key);
    const isAgain = before !== undefined && isDeepStrictEqual(before.desired, desired);
    const isLoop = isAgain && write !== undefined && write.at - before.writtenAt < CALM;
    const writtenAt = write?.at ?? before?.writtenAt ?? Number.NEGATIVE_INFINITY;
    const writes = write === undefined ? (isAgain ? before.writes : 0) : isLoop ? before.writes + 1 : 1;
    this.#settled.set(key, { desired: sharing(desired, live), live, writtenAt, writes });
  }

  forget(key: string): void {
    this.#settled.delete(key);
  }
}

/**
 * The same with the spec of the live object, where they are equal: a Sidecar may have thousands of
 * hosts, and the store has the live object already.
 */
function sharing(desired: RenderedObject, live: LiveObject): RenderedObject {
  return isDeepStrictEqual(desired.spec, live.spec) ? ({ ...desired, spec: live.spec } as RenderedObject) : desired;
}
