import { hasStatus } from "../api/api-error.ts";
import type { KubernetesApi } from "../api/kubernetes-api.ts";
import { collectionPath, type Resource } from "../api/resource.ts";
import { readWireObject, type WireObject } from "../api/wire-object.ts";

/** Objects per page, the number that kubectl and client-go use. */
const PAGE_SIZE = 500;

/** What to list or watch. */
export interface Selection {
  readonly api: KubernetesApi;
  readonly resource: Resource;
  /** For example `app.kubernetes.io/managed-by=fenceline`. Default: every object. */
  readonly labelSelector?: string | undefined;
}

/**
 * Lists a kind page by page and hands each object to `onObject`, so that no more than a page is held. Returns the resource version to watch from.
 *
 * No `resourceVersion` is asked for: 0 would allow a server's cache that lags behind what was seen already. When the list outlives its
 * continue token (410), it is taken again in one piece, which has no token to lose; objects of the first pages are then handed over twice.
 *
 * @throws {ApiError}
 */
export async function listPages(selection: Selection, onObject: (object: WireObject) => void, signal: AbortSignal): Promise<string> {
  try {
    return await list(selection, onObject, signal, String(PAGE_SIZE));
  } catch (error) {
    if (!hasStatus(error, 410)) throw error;
    return list(selection, onObject, signal, undefined);
  }
}

async function list(
  { api, resource, labelSelector }: Selection,
  onObject: (object: WireObject) => void,
  signal: AbortSignal,
  limit: string | undefined,
): Promise<string> {
  let token: string | undefined;
  let resourceVersion = "";
  do {
    const query = { labelSelector, limit, continue: token };
    const page = readPage(await api.json({ method: "GET", path: collectionPath(resource), query, signal }));
    for (const item of page.items) {
      const object = readWireObject(item, resource);
      if (object !== undefined) onObject(object);
    }
    resourceVersion = page.resourceVersion;
    token = page.token;
  } while (token !== undefined);
  return resourceVersion;
}

interface Page {
  readonly items: readonly unknown[];
  readonly resourceVersion: string;
  readonly token: string | undefined;
}

function readPage(value: unknown): Page {
  const { items, metadata } = (value ?? {}) as {
    items?: readonly unknown[] | null;
    metadata?: { resourceVersion?: string; continue?: string };
  };
  // Go writes an empty list as null. The last page has an empty token, or none.
  return { items: items ?? [], resourceVersion: metadata?.resourceVersion ?? "", token: metadata?.continue || undefined };
}
