import { OWN_KINDS, type OwnKind, withdrawnStatus } from "@fenceline/api";
import {
  collectionPath,
  hasStatus,
  type KubernetesApi,
  type ObjectKey,
  objectPath,
  type Resource,
  resourcesOf,
} from "@fenceline/kubernetes";
import type { Logger } from "pino";

/** Objects in one answer: a status may have half a mebibyte. */
const PAGE_SIZE = "50";

/** Settings of {@link tellWithdrawn}. */
interface Told {
  readonly api: Pick<KubernetesApi, "json">;
  readonly logger: Logger;
}

interface Page {
  /** Go writes an empty list as null. */
  readonly items?: readonly { readonly metadata: ObjectKey; readonly status?: unknown }[] | null;
  readonly metadata?: { readonly continue?: string };
}

/**
 * Writes into the status of every object of ours that nothing of it is in force any more. A status
 * that cannot be written is logged, and does not stop the command.
 */
export async function tellWithdrawn(options: Told): Promise<void> {
  for (const kind of OWN_KINDS) {
    let count = 0;
    for (const resource of resourcesOf(kind)) count += await orWarn(options, kind.name, () => tellAll(options, kind, resource));
    options.logger.info({ kind: kind.name, count }, "told as withdrawn");
  }
}

/** Returns how many statuses were written. */
async function tellAll(options: Told, kind: OwnKind, resource: Resource): Promise<number> {
  const { api } = options;
  let count = 0;
  let token: string | undefined;
  do {
    const query = { limit: PAGE_SIZE, continue: token };
    const { items, metadata } = (await api.json({ method: "GET", path: collectionPath(resource), query })) as Page;
    for (const { metadata: key, status } of items ?? []) {
      const change = withdrawnStatus(kind, status, Date.now());
      if (change === undefined) continue;
      const path = `${objectPath(resource, key)}/status`;
      const body = { status: change };
      const write = () => api.json({ method: "PATCH", path, contentType: "application/merge-patch+json", body }).then(() => 1);
      count += await orWarn(options, kind.name, write);
    }
    token = metadata?.continue || undefined;
  } while (token !== undefined);
  return count;
}

/** An object that is gone, or a kind that is not installed, has no status. */
async function orWarn({ logger }: Pick<Told, "logger">, kind: string, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!hasStatus(error, 404)) logger.warn({ kind, err: error }, "not told as withdrawn");
    return 0;
  }
}
