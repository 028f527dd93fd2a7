import { setTimeout as wait } from "node:timers/promises";
import { hasStatus } from "../client/api-error.ts";
import type { KubernetesApi } from "../client/kubernetes-api.ts";
import { LEASES, type ObjectKey, objectPath } from "../client/resource.ts";
import { INITIAL_STATE, mayClaim, observed } from "./election-state.ts";
import { readLease } from "./lease-object.ts";

/** What to wait for, and for how long. Times are in milliseconds. */
export interface AwaitFreeLeaseOptions {
  readonly api: Pick<KubernetesApi, "json">;
  readonly key: ObjectKey;
  readonly timeout: number;
  /** Pause between two reads of the Lease. */
  readonly interval: number;
}

/**
 * Waits until nobody leads: the Lease does not exist, has no holder, or was not renewed for its
 * duration.
 *
 * @returns the holder that still renews it after the timeout; undefined when it is free
 */
export async function awaitFreeLease({ api, key, timeout, interval }: AwaitFreeLeaseOptions): Promise<string | undefined> {
  const began = performance.now();
  for (let state = INITIAL_STATE; ; ) {
    const lease = await readIfThere(api, key);
    const now = performance.now();
    state = observed(state, lease, now);
    if (lease === undefined || mayClaim(state, "", now)) return undefined;
    if (now - began > timeout) return lease.holder;
    await wait(interval);
  }
}

async function readIfThere(api: AwaitFreeLeaseOptions["api"], key: ObjectKey) {
  try {
    return readLease(await api.json({ method: "GET", path: objectPath(LEASES, key) }));
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  }
}
