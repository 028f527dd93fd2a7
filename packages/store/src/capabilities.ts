/**
 * What only some stores can do: one interface for each such ability, so that a caller checks for it
 * once.
 */
import type { AutomaticFence, FenceKey, Labels, ObjectRef, ServicePort } from "@fenceline/api";
import type { Obstacle, RenderedUpdate } from "./change.ts";

/** Makes and deletes fences that no person wrote. Not in a folder, where people write them all. */
export interface FenceAuthor {
  /**
   * Makes a fence, unless one of its name exists. After that, `Store.snapshot` shows it. The same
   * guarantees as `Store.apply`.
   *
   * @returns whether it was made
   */
  create(fence: AutomaticFence): Promise<boolean>;
  /**
   * Deletes the fence with this uid, if it still is an automatic one. After that, `Store.snapshot`
   * does not show it any more.
   *
   * @returns whether it was deleted
   */
  delete(fence: FenceKey, uid: string): Promise<boolean>;
}

/** Names a Service. */
export type ServiceKey = Pick<ObjectRef, "namespace" | "name">;

/**
 * Adds ports to Services of others. Not in a folder: there only its author writes a Service, and no
 * Envoy needs the ports.
 */
export interface ServicePortsAuthor {
  /**
   * Adds ports to an existing Service where it lacks them, and removes the TCP ports of `givenUp`
   * that were added in this way before. The rest of the Service stays as it is. The same guarantees
   * as `Store.apply`. After that, `Store.snapshot` shows the change.
   *
   * @param givenUp default: none
   * @returns whether anything was to be done
   */
  add(service: ServiceKey, ports: readonly ServicePort[], givenUp?: readonly number[]): Promise<boolean>;
}

/**
 * Lets any replica add hosts to a Sidecar, so that a call to a new host does not wait for the
 * leader. Not in a folder, where there is only one writer.
 */
export interface SidecarWidener {
  /**
   * Adds the hosts of this Sidecar to the one in the store. It removes no host, changes nothing
   * else, and makes no Sidecar. The same guarantees as `Store.apply`.
   *
   * @param onAdded called when something was written. It is not where the Sidecar is gone or has
   * the hosts
   */
  widen(change: RenderedUpdate, onAdded?: () => void): Promise<Obstacle | undefined>;
  /**
   * When a replica last added hosts to what is rendered for the owner, in milliseconds of that
   * replica's wall clock; undefined when the leader has written since.
   */
  widenedAt(owner: ObjectRef): number | undefined;
}

/**
 * Knows objects that do not count because one of another group has the same name. Not in a folder,
 * where such a file is refused.
 */
export interface ShadowTeller {
  /**
   * As the leader, writes into the status of each object that this one shadows that it is shadowed.
   */
  tell(of: ObjectRef): Promise<void>;
}

/** What is known of a pod by its name: its labels, or the names of the Services that select it. */
export type NamedPod = { readonly labels: Labels } | { readonly services: readonly string[] };

/**
 * What a look for pods has found. It is `forbidden` without the right to list pods, and `failed`
 * where there was no answer this time.
 */
export type PodsFound = "some" | "none" | "forbidden" | "failed";

/** Looks for pods. Not in a folder, where there are none. */
export interface PodFinder {
  /** Whether there is a pod with these labels. Never rejects. */
  exist(namespace: string, labels: Labels): Promise<PodsFound>;
  /**
   * The labels or the Services of the pod with this name; undefined where neither is known. Never
   * rejects.
   */
  named(namespace: string, name: string): Promise<NamedPod | undefined>;
}

/**
 * Notices that somebody deletes the state of an object. Not in a cluster, where a status goes with
 * its object alone.
 */
export interface StateWatcher {
  /**
   * Calls `listener` with each object whose state somebody deleted while something was learned for
   * it, until the returned function is called. If the object exists, the listener has to write a
   * status without what was learned: until then the store keeps the one before. If the object was
   * deleted, its state is gone.
   */
  onDeleted(listener: (of: ObjectRef) => void): () => void;
  /**
   * Whether somebody deleted an object's state while no process ran. Then what is rendered for the
   * object does not tell what it had learned.
   */
  wasDeleted(of: ObjectRef): boolean;
}
