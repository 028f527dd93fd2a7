/**
 * What only some stores can do. A store has an object for each thing that it can do, so that a
 * caller asks once.
 */
import type { AutomaticFence, FenceKey, Labels, ObjectRef, ServicePort } from "@fenceline/api";
import type { Obstacle, RenderedUpdate } from "./change.ts";

/** Makes and deletes fences that no person wrote. Not in a folder, where people write them all. */
export interface FenceAuthor {
  /**
   * Makes a fence, unless one of its name exists. Then `Store.snapshot` has it. The same guarantees
   * as `Store.apply`.
   *
   * @returns whether it was made
   */
  create(fence: AutomaticFence): Promise<boolean>;
  /**
   * Deletes the fence with this uid, if it still is an automatic one. Then `Store.snapshot` has it
   * no more.
   *
   * @returns whether it was deleted
   */
  delete(fence: FenceKey, uid: string): Promise<boolean>;
}

/** Names a Service. */
export type ServiceKey = Pick<ObjectRef, "namespace" | "name">;

/**
 * Gives ports to Services of others. Not in a folder: there a Service belongs to its author alone,
 * and no Envoy needs the ports.
 */
export interface ServicePortsAuthor {
  /**
   * Adds ports to a Service that exists, where it lacks them, and takes away those TCP ports of
   * `givenUp` that were added so before. Whatever else it has stays as it is. The same guarantees
   * as `Store.apply`; then `Store.snapshot` has it.
   *
   * @param givenUp default: none
   * @returns whether anything was to be done
   */
  add(service: ServiceKey, ports: readonly ServicePort[], givenUp?: readonly number[]): Promise<boolean>;
}

/**
 * Adds to Sidecars beside the leader, so that a call to a new host waits for no leader. Not in a
 * folder, where there is only one writer.
 */
export interface SidecarWidener {
  /**
   * Adds the hosts of a Sidecar to the one that is in the store, and takes none away; whatever else
   * it has stays, and nothing is made. The same guarantees as `Store.apply`.
   *
   * @param onAdded called when something was written: the Sidecar may be gone, or have the hosts
   */
  widen(change: RenderedUpdate, onAdded?: () => void): Promise<Obstacle | undefined>;
  /**
   * When a replica last added to what is rendered for the owner, in milliseconds of that replica's
   * wall clock; undefined when the leader has written since.
   */
  widenedAt(owner: ObjectRef): number | undefined;
}

/**
 * Knows objects that have the name of one of another group, which counts. Not in a folder, where
 * such a file is refused.
 */
export interface ShadowTeller {
  /**
   * As the leader, writes into the status of the objects that this one shadows that they are
   * shadowed.
   */
  tell(of: ObjectRef): Promise<void>;
}

/** What is known of a pod by its name: its labels, or the names of the Services that it is of. */
export type NamedPod = { readonly labels: Labels } | { readonly services: readonly string[] };

/** Looks for pods. Not in a folder, where there are none. */
export interface PodFinder {
  /**
   * Whether there is a pod with these labels; undefined where nobody can say: without the right to
   * list pods, for example. Never rejects.
   */
  exist(namespace: string, labels: Labels): Promise<boolean | undefined>;
  /**
   * What tells whose the pod with this name is; undefined where nothing does, or nobody can say.
   * Never rejects.
   */
  named(namespace: string, name: string): Promise<NamedPod | undefined>;
}

/**
 * Sees that somebody takes away what is known of an object. Not in a cluster, where a status goes
 * with its object alone.
 */
export interface StateWatcher {
  /**
   * Calls `listener` with each object whose state somebody deleted while something was learned for
   * it, until the returned function is called. Of one that is there the listener has to see to a
   * status without that: until then the store has the one before. Of one that was deleted nothing
   * is kept any more.
   */
  onDeleted(listener: (of: ObjectRef) => void): () => void;
  /**
   * Whether somebody deleted an object's state while nothing ran. What is rendered for it then says
   * nothing about what it had learned.
   */
  wasDeleted(of: ObjectRef): boolean;
}
