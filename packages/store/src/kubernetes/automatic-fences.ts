import { type AutomaticFence, type FenceKey, groupOf, isAutomatic, MANAGER, type ServiceFence } from "@fenceline/api";
import type { WireObject } from "@fenceline/kubernetes";
import { collectionPath, hasStatus, objectPath, type Resource } from "@fenceline/kubernetes";
import type { FenceAuthor } from "../capabilities.ts";
import type { LeaderWrites } from "./apply/leader-writes.ts";
import type { ObservedOwnKind } from "./observed-own-kind.ts";

/** Makes fences in our own group, and deletes automatic ones of both groups. */
export class AutomaticFenceAuthor implements FenceAuthor {
  readonly #writes: LeaderWrites;
  readonly #fences: ObservedOwnKind<ServiceFence>;

  /** @param fences the informer; each write is passed to it at once */
  constructor(writes: LeaderWrites, fences: ObservedOwnKind<ServiceFence>) {
    this.#writes = writes;
    this.#fences = fences;
  }

  /**
   * Not by server-side apply, which would merge into a fence that a person makes at the same
   * moment.
   *
   * @throws {FencelineError} `NOT_LEADER`, or the {@link ApiError} of the API server
   */
  async create(fence: AutomaticFence): Promise<boolean> {
    const place = this.#fences.places.find(({ resource }) => groupOf(resource.apiVersion) === groupOf(fence.apiVersion));
    if (place === undefined) throw new RangeError(`no kind of fence is ${fence.apiVersion}`);
    const path = collectionPath(place.resource, fence.metadata.namespace);
    const created = await this.#writes.retrying(async (): Promise<unknown> => {
      try {
        return await this.#writes.send({ method: "POST", path, body: fence, query: { fieldManager: MANAGER } });
      } catch (error) {
        if (hasStatus(error, 409)) return undefined;
        throw error;
      }
    });
    if (created === undefined) return false;
    place.informer.absorb(created);
    return true;
  }

  /** @throws as {@link create} */
  async delete(key: FenceKey, uid: string): Promise<boolean> {
    const place = this.#fences.places.find(({ informer }) => informer.get(key)?.uid === uid);
    if (place === undefined) return false;
    const result = await this.#delete(place.resource, key, uid);
    if (result !== "kept") place.informer.forget({ ...key, uid });
    return result === "deleted";
  }

  /**
   * The fence is read first, and the delete has that version as a condition. A person may remove
   * the label at the same moment, and then the fence is theirs.
   *
   * @returns `gone` when there was none any more; `kept` when it is another one, or a person's
   */
  #delete(resource: Resource, key: FenceKey, uid: string): Promise<"deleted" | "gone" | "kept"> {
    const path = objectPath(resource, key);
    return this.#writes.retrying(async () => {
      try {
        const { metadata } = (await this.#writes.send({ method: "GET", path })) as WireObject;
        if (metadata.uid !== uid || !isAutomatic(metadata.labels ?? {})) return "kept";
        const { resourceVersion } = metadata;
        const body = { preconditions: { uid, resourceVersion }, propagationPolicy: "Background" };
        await this.#writes.send({ method: "DELETE", path, body });
        return "deleted";
      } catch (error) {
        if (hasStatus(error, 404)) return "gone";
        throw error;
      }
    });
  }
}
