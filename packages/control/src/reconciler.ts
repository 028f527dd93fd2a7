import type { ObjectRef, OwnKind, RenderedObject } from "@fenceline/api";
import type { RenderedUpdate } from "@fenceline/store";

/**
 * What an object asks for: the objects to render, and its status.
 */
export interface Desired<Status> {
  readonly objects: readonly RenderedObject[];
  readonly status: Status;
  /** Why nothing is rendered though the object asks for it: a stable word, and what to do. */
  readonly refused?: { readonly reason: string; readonly message: string };
  /**
   * Milliseconds after which the object is to be looked at again: what is desired then is the next
   * step. Default: when something changes.
   */
  readonly nextStepIn?: number | undefined;
  /**
   * It, or its namespace, is being deleted: nothing is written for it, nor into its status. Default
   * false.
   */
  readonly isLeftAlone?: boolean;
}

/** What is rendered for an object that is gone, on its way out. */
export type Remains = Pick<Desired<unknown>, "objects" | "nextStepIn">;

/** What a run for an object came to. */
export type RunResult = "changed" | "unchanged" | "obstructed";

/**
 * What is particular to one kind in the loop observe → desired → plan → apply. {@link Controller}
 * runs it.
 */
export interface Reconciler<Seen = unknown, Status extends object = object, D extends Desired<Status> = Desired<Status>> {
  /**
   * The kind. Where it merges statuses, every replica writes them, since each knows what the leader
   * does not; else the leader alone writes them.
   */
  readonly kind: Pick<OwnKind<unknown, Status>, "name" | "errorPrefix" | "mergeStatus" | "faultCondition" | "acceptedCondition">;
  /**
   * Everything that {@link desired} needs to know of an object, from memory. It records what it
   * reads, so that the object is looked at when that changes. Undefined when the object does not
   * exist: then what was rendered for it is deleted, see {@link remains}.
   */
  observe(of: ObjectRef): Seen | undefined;
  /** A pure function: it can be called without a running controller. */
  desired(seen: Seen): D;
  /**
   * The status to write now; undefined when what was written last will do.
   *
   * @param after what is desired once the plan was carried out
   */
  statusToWrite(of: ObjectRef, after: D): Status | undefined;
  /**
   * The part of a change that only adds, and that a call waits for: a replica that does not lead
   * may carry it out where the leader does not. Undefined when there is none.
   */
  widening?(change: RenderedUpdate): RenderedUpdate | undefined;
  /** What a debug line says of a status that was written, for example how many hosts it has. */
  statusDetails?(status: Status): Readonly<Record<string, unknown>>;
  /** A status is larger than the API server takes. It is asked for again in a moment. */
  statusTooLarge?(of: ObjectRef): void;
  /** A status is kept in the store. */
  statusWritten?(of: ObjectRef, status: Status): void;
  /** Something of a plan was carried out, for an object that is gone too. */
  applied?(of: ObjectRef): void;
  /** Told of every run for an object that exists, after its plan was carried out. */
  told?(of: ObjectRef, desired: D, result: RunResult): void;
  /**
   * What is still to be rendered for an object that does not exist any more: the next step on its
   * way out. Default: nothing.
   */
  remains?(of: ObjectRef): Remains;
  /** An object does not exist any more. */
  forget?(of: ObjectRef): void;
}

/** What an object asks for now; undefined when it does not exist. Nothing is written for it. */
export function desiredOf<Seen, D>(
  reconciler: { observe(of: ObjectRef): Seen | undefined; desired(seen: Seen): D },
  of: ObjectRef,
): D | undefined {
  const seen = reconciler.observe(of);
  return seen === undefined ? undefined : reconciler.desired(seen);
}
