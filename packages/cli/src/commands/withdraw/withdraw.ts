import { setTimeout as wait } from "node:timers/promises";
import { FencelineError, MANAGED_BY_LABEL, MANAGER, RENDERED_KINDS } from "@fenceline/api";
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

/** What to withdraw, and how patiently. Times are in milliseconds. */
export interface WithdrawOptions {
  readonly api: Pick<KubernetesApi, "json">;
  /** Namespace of Fenceline. */
  readonly namespace: string;
  readonly logger: Logger;
  /**
   * How long Envoys are given to learn the whole mesh again, after the Sidecars are gone and before
   * the EnvoyFilters go.
   */
  readonly settle: number;
  /** How long to wait for the collector to let go of its Lease. */
  readonly patience: number;
  /** Pause between two looks at the Lease. */
  readonly interval: number;
}

const COLLECTOR = "fenceline-collector";
const OURS = `${MANAGED_BY_LABEL}=${MANAGER}`;

/**
 * Takes back everything that Fenceline rendered, so that nothing of it is left in the mesh. May be
 * repeated.
 *
 * The collector goes first, or it would render again what is deleted here. Then the rendered kinds,
 * in the reverse of the order in which a mesh takes them in: first the Sidecars, and only when
 * every Envoy knows the whole mesh again the EnvoyFilters. Until then, calls to hosts that are
 * still hidden need the way to the fallback.
 *
 * @throws {FencelineError} `COLLECTOR_STILL_LEADS`, or the error of the API server
 */
export async function withdraw(options: WithdrawOptions): Promise<void> {
  const { api, namespace, logger, settle } = options;
  await scaleToZero(api, namespace);
  await leaseIsFree(options);
  const [last] = RENDERED_KINDS;
  for (const kind of RENDERED_KINDS.toReversed()) {
    let count = 0;
    for (const resource of resourcesOf(kind)) count += await deleteAll(api, resource);
    logger.info({ kind: kind.name, count }, "removed");
    if (count > 0 && kind !== last) await wait(settle);
  }
}

async function scaleToZero(api: WithdrawOptions["api"], namespace: string): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${COLLECTOR}/scale`;
  await absentIsFine(api.json({ method: "PATCH", path, contentType: "application/merge-patch+json", body: { spec: { replicas: 0 } } }));
}

async function leaseIsFree({ api, namespace, patience, interval }: WithdrawOptions): Promise<void> {
  const holder = await awaitFreeLease({ api, key: { namespace, name: COLLECTOR }, patience, interval });
  if (holder === undefined) return;
  throw new FencelineError("COLLECTOR_STILL_LEADS", {
    message: `${holder} still renews the Lease ${namespace}/${COLLECTOR}`,
    hint: `delete the Deployment ${COLLECTOR}, then run this again`,
  });
}

/**
 * Deletes the objects of a kind that carry our label; how many there were. A kind that does not
 * exist has none.
 */
async function deleteAll(api: WithdrawOptions["api"], resource: Resource): Promise<number> {
  const path = collectionPath(resource);
  const list = (await absentIsFine(api.json({ method: "GET", path, query: { labelSelector: OURS } }))) as
    | { readonly items?: readonly { readonly metadata: ObjectKey }[] }
    | undefined;
  const objects = list?.items ?? [];
  for (const { metadata } of objects) await absentIsFine(api.json({ method: "DELETE", path: objectPath(resource, metadata) }));
  return objects.length;
}

async function absentIsFine(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  }
}
