import { type AutomaticFence, type FenceKey, isAutomatic, MANAGER } from "@fenceline/api";
import type { WireObject } from "@fenceline/kubernetes";
import { collectionPath, hasStatus, objectPath, type Resource } from "@fenceline/kubernetes";
import type { LeaderWrites } from "./apply/leader-writes.ts";
import { SERVICE_FENCES } from "./resources.ts";

interface FenceWrite {
  readonly writes: LeaderWrites;
}

/** One fence to make. */
export interface FenceCreation extends FenceWrite {
  readonly fence: AutomaticFence;
}

/** One fence to delete. */
export interface FenceDeletion extends FenceWrite {
  /** Its group. */
  readonly resource: Resource;
  readonly key: FenceKey;
  readonly uid: string;
}

/**
 * Makes a fence. Not by server-side apply, which would merge into one that a person makes at this
 * very moment.
 *
 * @returns the fence as the API server has it; undefined when one of its name exists
 * @throws {FencelineError} `NOT_LEADER`, or the {@link ApiError} of the API server
 */
export function createFence({ writes, fence }: FenceCreation): Promise<unknown> {
  const resource = SERVICE_FENCES.find(({ apiVersion }) => apiVersion === fence.apiVersion);
  if (resource === undefined) throw new RangeError(`no kind of fence is ${fence.apiVersion}`);
  const path = collectionPath(resource, fence.metadata.namespace);
  return writes.retrying(async (): Promise<unknown> => {
    try {
      return await writes.send({ method: "POST", path, body: fence, query: { fieldManager: MANAGER } });
    } catch (error) {
      if (hasStatus(error, 409)) return undefined;
      throw error;
    }
  });
}

/**
 * Deletes a fence, if it still is the one with this uid and an automatic one. It is read before,
 * and the version that was read is a condition of the delete: a person may take the label off at
 * this very moment, and the fence is theirs from then on.
 *
 * @returns `gone` when there was none any more; `kept` when it is another one, or a person's
 * @throws as {@link createFence}
 */
export function deleteFence({ writes, resource, key, uid }: FenceDeletion): Promise<"deleted" | "gone" | "kept"> {
  const path = objectPath(resource, key);
  return writes.retrying(async () => {
    try {
      const { metadata } = (await writes.send({ method: "GET", path })) as WireObject;
      if (metadata.uid !== uid || !isAutomatic(metadata.labels ?? {})) return "kept";
      const { resourceVersion } = metadata;
      const body = { preconditions: { uid, resourceVersion }, propagationPolicy: "Background" };
      await writes.send({ method: "DELETE", path, body });
      return "deleted";
    } catch (error) {
      if (hasStatus(error, 404)) return "gone";
      throw error;
    }
  });
}
