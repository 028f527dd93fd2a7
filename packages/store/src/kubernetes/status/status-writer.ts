import { MANAGER } from "@fenceline/api";
import type { Clock, KubernetesApi } from "@fenceline/kubernetes";
import { hasStatus, type ObjectKey, objectPath, type Resource, type WireObject, withRetries } from "@fenceline/kubernetes";

/** One patch to send. */
export interface StatusWrite {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly resource: Resource;
  readonly key: ObjectKey;
  /** Uid of the object that the status is for. */
  readonly uid: string | undefined;
  readonly patch: object;
}

/**
 * Sends what changed in a status. Returns the object as the API server has it then; undefined when
 * it is gone, and its status with it, even where another object has its name now.
 *
 * The patch carries no resource version, so two replicas cannot get a conflict. A 409 is the
 * server's own, and is tried again.
 *
 * @throws {ApiError}
 */
export async function sendStatusPatch({ api, clock, resource, key, uid, patch }: StatusWrite): Promise<unknown> {
  const request = {
    method: "PATCH",
    path: objectPath(resource, key, "status"),
    query: { fieldManager: MANAGER },
    body: { status: patch },
    contentType: "application/merge-patch+json",
  } as const;
  try {
    return await withRetries(() => api.json(request), { clock, signal: api.closed });
  } catch (error) {
    // A kind without a status subresource answers 404 too, and that has to be reported.
    if (hasStatus(error, 404) && !(await exists(api, resource, key, uid))) return undefined;
    throw error;
  }
}

async function exists(api: KubernetesApi, resource: Resource, key: ObjectKey, uid: string | undefined): Promise<boolean> {
  try {
    const { metadata } = (await api.json({ method: "GET", path: objectPath(resource, key) })) as WireObject;
    return metadata.uid === uid;
  } catch (error) {
    if (hasStatus(error, 404)) return false;
    throw error;
  }
}
