import { setTimeout as wait } from "node:timers/promises";
import { FencelineError, MANAGED_BY_LABEL, MANAGER } from "@fenceline/api";
import { hasStatus, type KubernetesApi } from "@fenceline/kubernetes";
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
const ISTIO = "/apis/networking.istio.io";

interface ObjectList {
  readonly items?: readonly { readonly metadata: { readonly namespace: string; readonly name: string } }[];
}

/**
 * Takes back everything that Fenceline rendered, so that nothing of it is left in the mesh. May be
 * repeated.
 *
 * The collector goes first, or it would render again what is deleted here. Then the Sidecars, and
 * only when every Envoy knows the whole mesh again the EnvoyFilters: until then, calls to hosts
 * that are still hidden need the way to the fallback.
 *
 * @throws {FencelineError} `COLLECTOR_STILL_LEADS`, or the error of the API server
 */
export async function withdraw(options: WithdrawOptions): Promise<void> {
  const { api, namespace, logger, settle } = options;
  await scaleToZero(api, namespace);
  await leaseIsFree(options);
  const sidecars = await deleteAll(api, `${ISTIO}/v1beta1`, "sidecars");
  logger.info({ kind: "Sidecar", count: sidecars }, "removed");
  if (sidecars > 0) await wait(settle);
  const filters = await deleteAll(api, `${ISTIO}/v1alpha3`, "envoyfilters");
  logger.info({ kind: "EnvoyFilter", count: filters }, "removed");
}

async function scaleToZero(api: WithdrawOptions["api"], namespace: string): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${COLLECTOR}/scale`;
  await absentIsFine(api.json({ method: "PATCH", path, contentType: "application/merge-patch+json", body: { spec: { replicas: 0 } } }));
}

/**
 * A Lease is free when nobody holds it, or when its holder has not renewed it for as long as it was
 * taken for.
 */
async function leaseIsFree({ api, namespace, patience, interval }: WithdrawOptions): Promise<void> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${COLLECTOR}`;
  const began = performance.now();
  let version: string | undefined;
  let unchangedSince = began;
  for (;;) {
    const lease = (await absentIsFine(api.json({ method: "GET", path }))) as LeaseObject | undefined;
    const now = performance.now();
    if (lease?.metadata?.resourceVersion !== version) unchangedSince = now;
    version = lease?.metadata?.resourceVersion;
    const { holderIdentity = "", leaseDurationSeconds = 0 } = lease?.spec ?? {};
    if (holderIdentity === "" || now - unchangedSince > leaseDurationSeconds * 1_000) return;
    if (now - began > patience) {
      const hint = `delete the Deployment ${COLLECTOR}, then run this again`;
      throw new FencelineError("COLLECTOR_STILL_LEADS", {
        message: `${holderIdentity} still renews the Lease ${namespace}/${COLLECTOR}`,
        hint,
      });
    }
    await wait(interval);
  }
}

interface LeaseObject {
  readonly metadata?: { readonly resourceVersion?: string };
  readonly spec?: { readonly holderIdentity?: string; readonly leaseDurationSeconds?: number };
}

/**
 * Deletes the objects of a kind that carry our label; how many there were. A kind that does not
 * exist has none.
 */
async function deleteAll(api: WithdrawOptions["api"], group: string, plural: string): Promise<number> {
  const list = (await absentIsFine(api.json({ method: "GET", path: `${group}/${plural}`, query: { labelSelector: OURS } }))) as
    | ObjectList
    | undefined;
  const objects = list?.items ?? [];
  for (const { metadata } of objects) {
    await absentIsFine(api.json({ method: "DELETE", path: `${group}/namespaces/${metadata.namespace}/${plural}/${metadata.name}` }));
  }
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
