import { isDeepStrictEqual } from "node:util";
import { doublingPause, FencelineError, type PauseLimits, type RenderedObject } from "@fenceline/api";
import type { LiveObject } from "./live-object.ts";

/** What the API server made of the last write of an object. */
interface Settlement {
  readonly desired: RenderedObject;
  readonly live: LiveObject;
  readonly writtenAt: number;
  /** How often the same desired object was written in a row. */
  readonly writes: number;
}

/** Pauses before the same object is written again because somebody changed it. */
const PAUSE: PauseLimits = { first: 1_000, longest: 30_000 };
/** If our object is changed less often, in milliseconds, a person does it and not a loop. */
const CALM = 300_000;

/**
 * Remembers for each object what was wanted and what the API server made of it.
 *
 * A webhook or a default may add to what we write. The result then counts as what we wanted.
 * Otherwise every look would cause a write, and every write an event. If somebody keeps changing
 * our object back, we write it again after a second at first, and later after half a minute: two
 * controllers that fight must not keep istiod busy.
 */
export class Settlements {
  readonly #settled = new Map<string, Settlement>();

  /**
   * The object that we wanted when we wrote the live one; undefined when somebody changed it since,
   * or we never wrote it.
   */
  wanted(key: string, live: LiveObject): RenderedObject | undefined {
    const settled = this.#settled.get(key);
    if (settled === undefined || !isDeepStrictEqual(settled.live, live)) return undefined;
    if (settled.live !== live) this.#settled.set(key, { ...settled, live, desired: sharing(settled.desired, live) });
    return settled.desired;
  }

  /**
   * @throws {FencelineError} `OBJECT_CONTESTED` when the same object was written a moment ago and
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

  /** Records the answer to a write, or a live object that is as desired already. */
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
 * The same object with the spec of the live one, where they are equal: a Sidecar may have thousands
 * of hosts, and the store holds the live object already.
 */
function sharing(desired: RenderedObject, live: LiveObject): RenderedObject {
  return isDeepStrictEqual(desired.spec, live.spec) ? ({ ...desired, spec: live.spec } as RenderedObject) : desired;
}
