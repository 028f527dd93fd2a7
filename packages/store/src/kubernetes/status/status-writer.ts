import { type FenceKey, MANAGER } from "@fenceline/api";
import type { Clock, KubernetesApi } from "@fenceline/kubernetes";
import { hasStatus, objectPath, type Resource, withRetries } from "@fenceline/kubernetes";
import type { StatusPatch } from "./status-patch.ts";

/** One patch to send. */
export interface StatusWrite {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly resource: Resource;
  readonly key: FenceKey;
  readonly patch: StatusPatch;
}

/**
 * Sends what changed in a fence's status. Returns the fence as the API server has it then;
 * undefined when it is gone, and its status with it.
 *
 * The patch carries no resource version, so two replicas cannot meet in a conflict; a 409 is the
 * server's own, and is tried again.
 *
 * @throws {ApiError}
 */
export async function sendStatusPatch({ api, clock, resource, key, patch }: StatusWrite): Promise<unknown> {
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
    // A kind without a status subresource answers 404 too, and that must not pass in silence.
    if (hasStatus(error, 404) && !(await exists(api, resource, key))) return undefined;
    throw error;
  }
}

async function exists(api: KubernetesApi, resource: Resource, key: FenceKey): Promise<boolean> {
  try {
    await api.json({ method: "GET", path: objectPath(resource, key) });
    return true;
  } catch (error) {
    if (hasStatus(error, 404)) return false;
    throw error;
  }
}
