import { isDeepStrictEqual } from "node:util";
import { FencelineError, MANAGER, mergePatch, type ObjectRef, type RenderedObject } from "@fenceline/api";
import type { Clock } from "@fenceline/kubernetes";
import { hasStatus, type ObjectKey, objectPath, type Resource, readWireObject, type WireObject } from "@fenceline/kubernetes";
import type { Conflict } from "../../conflict.ts";
import { LeaderWrites, type LeaderWritesOptions } from "./leader-writes.ts";
import { type LiveObject, readLiveObject } from "./live-object.ts";
import { conflictOf } from "./ownership.ts";
import { differs, fieldsLost } from "./semantic-difference.ts";
import { Settlements } from "./settlements.ts";

/** The result of a write. */
export type WriteResult =
  | { readonly result: "created" | "updated"; readonly answer: WireObject }
  /** The write succeeded, but the object differs: for example, an admission webhook changed it. */
  | { readonly result: "altered"; readonly answer: WireObject; readonly fields: readonly string[] }
  | { readonly result: "deleted"; readonly uid: string }
  /** It is being deleted, and stays until somebody removes these finalizers. */
  | { readonly result: "heldUp"; readonly finalizers: readonly string[]; readonly answer?: WireObject }
  | { readonly result: "unchanged" | "absent" }
  | { readonly result: "conflict"; readonly conflict: Conflict };

/** A live object with its version, by which a write can tell that it is still the same. */
export interface Known {
  readonly live: LiveObject;
  readonly resourceVersion: string;
}

const APPLY_PATCH = "application/apply-patch+yaml";
const MERGE_PATCH = "application/merge-patch+json";

/**
 * Writes rendered objects by server-side apply, only where that changes something, and never to an
 * object of somebody else.
 *
 * Every write to an existing object carries the version at which its ownership was checked, so that
 * check and write are one step.
 */
export class ObjectWriter {
  readonly #clock: Clock;
  readonly #writes: LeaderWrites;
  readonly #settlements = new Settlements();

  constructor(options: LeaderWritesOptions) {
    this.#clock = options.clock;
    this.#writes = new LeaderWrites(options);
  }

  /**
   * The object that we wanted when we wrote the live one; undefined when it was changed since. See
   * {@link Settlements.wanted}.
   */
  wanted(live: LiveObject): RenderedObject | undefined {
    return this.#settlements.wanted(settlementKey(live.kind, live), live);
  }

  /**
   * Makes an object as desired.
   *
   * @param owner for which it is rendered
   * @param known the object as last seen; undefined when there was none
   * @throws {FencelineError} `NOT_LEADER`, `OBJECT_CONTESTED`, or the {@link ApiError} of the API
   * server
   */
  apply(resource: Resource, owner: ObjectRef, desired: RenderedObject, known: Known | undefined): Promise<WriteResult> {
    return this.#writes.retrying(async (afterConflict) => {
      const current = afterConflict || known === undefined ? await this.#read(resource, desired.kind, desired.metadata) : known;
      // Another replica has added to it since this was planned. What it added must stay; the event
      // of its write brings the next plan.
      if (afterConflict && isWidenedSince(known, current)) return { result: "unchanged" };
      return current === undefined ? this.#create(resource, desired) : this.#update(resource, owner, desired, current);
    });
  }

  /**
   * Deletes an object of ours. Does nothing when the object is gone already.
   *
   * @param known the object as last seen; undefined when there was none
   * @throws as {@link apply}
   */
  delete(resource: Resource, owner: ObjectRef, object: ObjectRef, known: Known | undefined): Promise<WriteResult> {
    const { kind, namespace, name } = object;
    const key = { namespace, name };
    return this.#writes.retrying(async (afterConflict): Promise<WriteResult> => {
      const current = afterConflict || known === undefined ? await this.#read(resource, kind, key) : known;
      if (current === undefined) return { result: "absent" };
      const { live, resourceVersion } = current;
      const conflict = conflictOf(live, owner);
      if (conflict !== undefined) return { result: "conflict", conflict };
      // No second deletion is asked for: the object goes when the finalizers are removed.
      if (live.heldUpBy !== undefined) return { result: "heldUp", finalizers: live.heldUpBy };
      const body = { preconditions: { uid: live.uid, resourceVersion }, propagationPolicy: "Background" };
      const answer = await this.#sendDeletion(resource, key, body);
      const { deletionTimestamp, finalizers = [] } = answer?.metadata ?? {};
      if (answer !== undefined && deletionTimestamp !== undefined && finalizers.length > 0) return { result: "heldUp", finalizers, answer };
      this.#settlements.forget(settlementKey(kind, live));
      return { result: "deleted", uid: live.uid };
    });
  }

  /** The object after the request; undefined when it is gone. */
  async #sendDeletion(resource: Resource, key: ObjectKey, body: object): Promise<WireObject | undefined> {
    try {
      return readWireObject(await this.#send("DELETE", objectPath(resource, key), { body }), resource);
    } catch (error) {
      if (hasStatus(error, 404)) return undefined;
      throw error;
    }
  }

  /**
   * Server-side apply has no "only if absent": it would merge into an object that somebody makes at
   * the same moment. Unforced, it fails where both set a field to different values. Where it
   * succeeds, the answer shows another manager, and what we added is removed again.
   */
  async #create(resource: Resource, desired: RenderedObject): Promise<WriteResult> {
    const path = objectPath(resource, desired.metadata);
    const answer = await this.#send("PATCH", path, { body: desired, contentType: APPLY_PATCH, query: { fieldManager: MANAGER } });
    const other = otherManager(answer);
    if (other !== undefined) return this.#withdraw(resource, desired, other);
    return this.#settle(resource, desired, answer, "created");
  }

  async #withdraw(resource: Resource, desired: RenderedObject, manager: string): Promise<WriteResult> {
    const { apiVersion, kind, metadata } = desired;
    const { namespace, name } = metadata;
    const body = { apiVersion, kind, metadata: { namespace, name } };
    await this.#send("PATCH", objectPath(resource, metadata), { body, contentType: APPLY_PATCH, query: { fieldManager: MANAGER } });
    const message = `${kind} ${namespace}/${name} was made by ${manager} at the same moment; it is left as it is`;
    return { result: "conflict", conflict: { kind, namespace, name, reason: "NotManagedByFenceline", message } };
  }

  async #update(resource: Resource, owner: ObjectRef, desired: RenderedObject, { live, resourceVersion }: Known): Promise<WriteResult> {
    const conflict = conflictOf(live, owner);
    if (conflict !== undefined) return { result: "conflict", conflict };
    const key = settlementKey(desired.kind, live);
    if (!differs(desired, live)) this.#settlements.settle(key, desired, live, undefined);
    if (isDeepStrictEqual(this.#settlements.wanted(key, live), desired)) return { result: "unchanged" };
    this.#settlements.mayWrite(key, desired, this.#clock.now());
    const body = { ...desired, metadata: { ...desired.metadata, resourceVersion } };
    const query = { fieldManager: MANAGER, force: "true" };
    const path = objectPath(resource, desired.metadata);
    try {
      const answer = await this.#send("PATCH", path, { body, contentType: APPLY_PATCH, query });
      return this.#settle(resource, desired, await this.#removeAdditions(path, desired, answer), "updated");
    } catch (error) {
      // It was deleted since it was last seen.
      if (hasStatus(error, 404)) return this.#create(resource, desired);
      throw error;
    }
  }

  /**
   * Apply leaves fields of `spec` that others added. istiod would use them, so they are removed.
   */
  async #removeAdditions(path: string, desired: RenderedObject, answer: unknown): Promise<unknown> {
    const { spec, metadata } = answer as { spec?: unknown; metadata?: { resourceVersion?: string } };
    const patch = mergePatch(spec, desired.spec);
    if (patch === undefined) return answer;
    const body = { metadata: { resourceVersion: metadata?.resourceVersion }, spec: patch };
    return this.#send("PATCH", path, { body, contentType: MERGE_PATCH, query: { fieldManager: MANAGER } });
  }

  #settle(resource: Resource, desired: RenderedObject, value: unknown, result: "created" | "updated"): WriteResult {
    const answer = readWireObject(value, resource);
    if (answer === undefined) throw new FencelineError("KUBERNETES_ANSWER_BROKEN", { message: "the answer to a write is not an object" });
    const live = readLiveObject(desired.kind, answer);
    const key = settlementKey(desired.kind, live);
    const fields = fieldsLost(desired, live);
    if (fields.length > 0) {
      this.#settlements.forget(key);
      return { result: "altered", answer, fields };
    }
    this.#settlements.settle(key, desired, live, { at: this.#clock.now() });
    return { result, answer };
  }

  async #read(resource: Resource, kind: string, key: ObjectKey): Promise<Known | undefined> {
    try {
      const object = readWireObject(await this.#send("GET", objectPath(resource, key), {}), resource);
      return object === undefined ? undefined : { live: readLiveObject(kind, object), resourceVersion: object.metadata.resourceVersion };
    } catch (error) {
      if (hasStatus(error, 404)) return undefined;
      throw error;
    }
  }

  #send(
    method: "GET" | "PATCH" | "DELETE",
    path: string,
    rest: { readonly body?: unknown; readonly contentType?: string; readonly query?: Readonly<Record<string, string>> },
  ): Promise<unknown> {
    return this.#writes.send({ method, path, ...rest });
  }
}

function isWidenedSince(known: Known | undefined, current: Known | undefined): boolean {
  const at = current?.live.widenedAt;
  return at !== undefined && at !== known?.live.widenedAt;
}

function settlementKey(kind: string, { namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${kind} ${namespace}/${name}`;
}

/**
 * Another manager of an object that we believe to have created; undefined when there is none.
 * Writes of a status do not count.
 */
function otherManager(answer: unknown): string | undefined {
  const { metadata } = answer as { metadata?: { managedFields?: readonly { manager?: string; subresource?: string }[] } };
  return metadata?.managedFields?.find(({ manager, subresource }) => manager !== MANAGER && subresource === undefined)?.manager;
}
