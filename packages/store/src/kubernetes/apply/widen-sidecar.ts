import {
  MANAGER,
  type ObjectRef,
  parkedHosts,
  SIDECAR,
  type Sidecar,
  sidecarHosts,
  WIDENED_AT_ANNOTATION,
  withHosts,
} from "@fenceline/api";
import type { Clock, KubernetesApi } from "@fenceline/kubernetes";
import { hasStatus, objectPath, type Resource, readWireObject, withRetries } from "@fenceline/kubernetes";
import { asRendered, type LiveObject, readLiveObject } from "./live-object.ts";
import type { Known, WriteResult } from "./object-writer.ts";
import { conflictOf } from "./ownership.ts";

/** One Sidecar to widen. */
export interface SidecarWidening {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  /** The resource of Sidecars. */
  readonly resource: Resource;
  readonly owner: ObjectRef;
  /** The Sidecar with the additional hosts. */
  readonly wanted: Sidecar;
  /** The Sidecar as last seen; undefined when there was none. */
  readonly known: Known | undefined;
}

/**
 * Adds hosts, shown or parked, to an existing Sidecar of ours, and changes nothing else of it. What
 * is parked stays parked. Any replica may do that, since a call waits for the host. At worst a
 * workload sees more than it needs, until the leader decides.
 *
 * The write is for the version that was read. If two replicas add at once, the second reads what
 * the first wrote, and adds to it. The uid keeps apply from making a Sidecar that is gone.
 *
 * @returns `absent` when there is none to widen, `unchanged` when it has all the hosts
 * @throws {ApiError}
 */
export function widenSidecar({ api, clock, resource, owner, wanted, known }: SidecarWidening): Promise<WriteResult> {
  const path = objectPath(resource, wanted.metadata);
  const read = async (): Promise<Known | undefined> => {
    try {
      const object = readWireObject(await api.json({ method: "GET", path }), resource);
      return object && { live: readLiveObject(SIDECAR.name, object), resourceVersion: object.metadata.resourceVersion };
    } catch (error) {
      if (hasStatus(error, 404)) return undefined;
      throw error;
    }
  };
  const attempt = async (afterConflict: boolean): Promise<WriteResult> => {
    const seen = afterConflict || known === undefined ? await read() : known;
    if (seen === undefined) return { result: "absent" };
    const conflict = conflictOf(seen.live, owner);
    if (conflict !== undefined) return { result: "conflict", conflict };
    const wider = widened(seen.live, wanted);
    if (wider === undefined) return { result: "unchanged" };
    const annotations = { ...wider.metadata.annotations, [WIDENED_AT_ANNOTATION]: new Date().toISOString() };
    const metadata = { ...wider.metadata, annotations, uid: seen.live.uid, resourceVersion: seen.resourceVersion };
    const query = { fieldManager: MANAGER, force: "true" };
    const body = { ...wider, metadata };
    const answer = readWireObject(
      await api.json({ method: "PATCH", path, query, body, contentType: "application/apply-patch+yaml" }),
      resource,
    );
    return answer === undefined ? { result: "unchanged" } : { result: "updated", answer };
  };
  return withRetries(attempt, { clock, signal: api.closed });
}

/**
 * The live Sidecar with more hosts; undefined when it has them all. The hosts are in the wanted
 * order, so that the leader, who wants the same, has nothing to write.
 */
function widened(live: LiveObject, wanted: Sidecar): Sidecar | undefined {
  const current = asRendered(live) as Sidecar;
  const [shown, parked] = [new Set(sidecarHosts(current)), new Set(parkedHosts(current))];
  const [hosts, toPark] = [sidecarHosts(wanted), parkedHosts(wanted).filter((host) => !shown.has(host))];
  if (hosts.every((host) => shown.has(host)) && toPark.every((host) => parked.has(host))) return undefined;
  return withHosts(current, [...new Set([...hosts, ...shown])], [...new Set([...parked, ...toPark])].sort());
}
