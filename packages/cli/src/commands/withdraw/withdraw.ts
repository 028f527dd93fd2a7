import { setTimeout as wait } from "node:timers/promises";
import {
  EVERYTHING,
  FencelineError,
  MANAGED_BY_LABEL,
  MANAGER,
  RENDERED_KINDS,
  SIDECAR,
  type Sidecar,
  shortenedList,
  sidecarHosts,
  withHosts,
} from "@fenceline/api";
import {
  awaitFreeLease,
  collectionPath,
  hasStatus,
  type KubernetesApi,
  type ObjectKey,
  objectPath,
  type Resource,
  resourcesOf,
} from "@fenceline/kubernetes";
import type { Logger } from "pino";
import { tellWithdrawn } from "./tell-withdrawn.ts";

/** What to withdraw, and how long to wait. Times are in milliseconds. */
export interface WithdrawOptions {
  readonly api: Pick<KubernetesApi, "json">;
  /** Namespace of Fenceline. */
  readonly namespace: string;
  readonly logger: Logger;
  /**
   * Time for Envoys in each step: to load the clusters of the whole mesh before the Sidecars are
   * deleted, and its routes before the EnvoyFilters are deleted.
   */
  readonly settle: number;
  /** Longest wait until the collector releases its Lease, and until deleted objects are gone. */
  readonly timeout: number;
  /** Pause between two looks at these. */
  readonly interval: number;
}

const COLLECTOR = "fenceline-collector";
const OURS = `${MANAGED_BY_LABEL}=${MANAGER}`;

/**
 * Deletes everything that Fenceline rendered, so that nothing of it is left in the mesh. May be
 * repeated.
 *
 * The collector must have stopped before, or it would render again what is deleted here. Rendered
 * kinds are deleted in the reverse order of their creation: first the Sidecars, and the
 * EnvoyFilters only when every Envoy has the whole mesh again. Until then, calls to hidden hosts
 * need the route to the fallback.
 *
 * A Sidecar is deleted in two steps, as when a fence is switched off: first it gets the rest of the
 * mesh in a parking listener, so that every cluster is there before the first route to it.
 *
 * At last the statuses of our objects, fences and limiters, say that nothing of them is in force.
 *
 * @throws {FencelineError} `COLLECTOR_STILL_LEADS`; `REMOVAL_HELD_UP` where finalizers of others
 * keep an object, before anything that is needed beside it is deleted; or the error of the API
 * server
 */
export async function withdraw(options: WithdrawOptions): Promise<void> {
  const { api, namespace, logger, settle } = options;
  await scaleToZero(api, namespace);
  await leaseIsFree(options);
  const [last] = RENDERED_KINDS;
  for (const kind of RENDERED_KINDS.toReversed()) {
    const count = await withdrawKind(options, kind);
    logger.info({ kind: kind.name, count }, "removed");
    if (count > 0 && kind !== last) await wait(settle);
  }
  await tellWithdrawn(options);
}

/** Returns how many objects there were. */
async function withdrawKind(options: WithdrawOptions, kind: (typeof RENDERED_KINDS)[number]): Promise<number> {
  const { api, settle } = options;
  const found = await allOurs(api, kind);
  let parked = 0;
  for (const { resource, object } of found) parked += await parkEverything(api, resource, object);
  if (parked > 0) await wait(settle);
  for (const { resource, object } of found) await absentIsFine(api.json({ method: "DELETE", path: objectPath(resource, object.metadata) }));
  if (found.length > 0) await areGone(options, kind);
  return found.length;
}

/** Waits until no object of the kind is left. One that is held up is in force. */
async function areGone({ api, timeout, interval }: WithdrawOptions, kind: (typeof RENDERED_KINDS)[number]): Promise<void> {
  const begin = performance.now();
  for (;;) {
    const left = await allOurs(api, kind);
    if (left.length === 0) return;
    if (performance.now() - begin >= timeout) throw heldUp(kind.name, left);
    await wait(interval);
  }
}

function heldUp(kind: string, left: readonly { readonly object: Ours }[]): FencelineError {
  const named = left.map(
    ({ object: { metadata } }) => `${metadata.namespace}/${metadata.name} (${metadata.finalizers?.join(", ") || "none"})`,
  );
  return new FencelineError("REMOVAL_HELD_UP", {
    message: `${kind} ${shortenedList(named, ", ")}: deleted, and still there for its finalizers, in brackets`,
    hint: "see that whoever put them there is done with them, then run this again",
  });
}

/**
 * If the object is a Sidecar, parks the whole mesh in it. Returns how many objects were written.
 */
async function parkEverything(api: WithdrawOptions["api"], resource: Resource, object: Ours): Promise<number> {
  if (resource.plural !== SIDECAR.plural || object.spec?.egress === undefined) return 0;
  const sidecar = { ...object, kind: SIDECAR.name } as Sidecar;
  const { egress } = withHosts(sidecar, sidecarHosts(sidecar), [EVERYTHING]).spec;
  const path = objectPath(resource, object.metadata);
  await absentIsFine(api.json({ method: "PATCH", path, contentType: "application/merge-patch+json", body: { spec: { egress } } }));
  return 1;
}

async function scaleToZero(api: WithdrawOptions["api"], namespace: string): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${COLLECTOR}/scale`;
  await absentIsFine(api.json({ method: "PATCH", path, contentType: "application/merge-patch+json", body: { spec: { replicas: 0 } } }));
}

async function leaseIsFree({ api, namespace, timeout, interval }: WithdrawOptions): Promise<void> {
  const holder = await awaitFreeLease({ api, key: { namespace, name: COLLECTOR }, timeout, interval });
  if (holder === undefined) return;
  throw new FencelineError("COLLECTOR_STILL_LEADS", {
    message: `${holder} still renews the Lease ${namespace}/${COLLECTOR}`,
    hint: `delete the Deployment ${COLLECTOR}, then run this again`,
  });
}

/** An object with our label. A list does not name the kind of its items. */
interface Ours {
  readonly metadata: ObjectKey & { readonly finalizers?: readonly string[] };
  readonly spec?: Partial<Sidecar["spec"]>;
}

/** The objects of a kind with our label, of all its versions. */
async function allOurs(api: WithdrawOptions["api"], kind: (typeof RENDERED_KINDS)[number]) {
  const lists = resourcesOf(kind).map(async (resource) => (await listOurs(api, resource)).map((object) => ({ resource, object })));
  return (await Promise.all(lists)).flat();
}

/** The objects of a resource with our label. A kind that does not exist has none. */
async function listOurs(api: WithdrawOptions["api"], resource: Resource): Promise<readonly Ours[]> {
  const path = collectionPath(resource);
  const list = await absentIsFine(api.json({ method: "GET", path, query: { labelSelector: OURS } }));
  return (list as { readonly items?: readonly Ours[] } | undefined)?.items ?? [];
}

async function absentIsFine(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  }
}
