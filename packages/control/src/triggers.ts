import type { ObjectChange, ObjectRef, OwnKind, OwnObject } from "@fenceline/api";
import type { MeshChanges, Obstacle } from "@fenceline/store";
import type { Reconciler } from "./reconciler.ts";

/** How what is particular to a kind asks for runs. A {@link Controller} carries them out. */
export interface Runs {
  /**
   * Asks for a run. Requests made before it starts become one.
   *
   * @param urgent whether a call waits for what this run renders. Default false
   */
  enqueue(of: ObjectRef, urgent?: boolean): void;
  /** Asks for the status alone. */
  enqueueStatus(of: ObjectRef): void;
  /** What stands in the way of an object's rendered objects. */
  obstacles(of: ObjectRef): readonly Obstacle[];
}

/** The objects of a kind. */
export interface ObjectSource<O> {
  all(): readonly O[];
  find(of: ObjectRef): O | undefined;
}

/**
 * What has objects of a kind looked at, beside what a {@link KindDriver} does for every kind: it
 * looks at an object when it comes, changes or goes, when somebody else touches what is rendered,
 * and at all of them now and then.
 */
export interface Triggers<O> {
  /**
   * The objects, where {@link Reconciler.observe} does not take them from the store. One that is
   * not found here counts as gone. Default: those of the store.
   */
  readonly objects?: ObjectSource<O>;
  /** Takes note of an object that is to be looked at: it is new, or may be another one. */
  open?(object: O): void;
  /** Whether a change of an object has it looked at. Default: unless we made it ourselves. */
  isNews?(change: ObjectChange<O>): boolean;
  /**
   * Objects that are to be looked at because of a change of something else, such as an object of
   * others in their namespace (`changes.foreign`); `all` where nobody can tell which. It changes
   * nothing: {@link keepUp} does that. Default: none.
   */
  concernedBy?(changes: MeshChanges): Iterable<ObjectRef> | "all";
  /** Brings what the kind knows of the mesh up to date. Called after {@link concernedBy}. */
  keepUp?(changes: MeshChanges): void;
  /** Somebody else has changed what is rendered for an object, which is looked at next. */
  disturbed?(of: ObjectRef): void;
  /** This replica leads now. Every object is looked at next. */
  lead?(): void;
  /** Milliseconds between two calls of {@link tick}. Default 10 000. */
  interval?(): number;
  /** Time has passed: asks for the runs that are due by that alone. */
  tick?(): void;
  /**
   * Begins what goes on beside runs, such as queries of metrics. Every object was looked at before.
   * Never rejects: what fails is tried again later.
   */
  start?(): Promise<void>;
  /** Resolves when nothing is under way that may ask for a run. Default: at once. */
  idle?(): Promise<void>;
  /** Ends what {@link start} began. Nothing of it goes on when that resolves; it never rejects. */
  close?(): Promise<void>;
  /** The process is about to end: asks for the statuses that are to be written before. */
  closing?(): void;
}

/** All that is particular to a kind that runs on a {@link Controller}. */
export interface DrivenKind<O extends OwnObject = OwnObject> {
  readonly kind: OwnKind<O>;
  readonly reconciler: Reconciler;
  /** Default: none of its own. */
  readonly triggers?: Triggers<O>;
}
