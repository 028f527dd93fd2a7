import { metadataOnly } from "../client/accepted-forms.ts";
import { hasStatus } from "../client/api-error.ts";
import type { KubernetesApi } from "../client/kubernetes-api.ts";
import { collectionPath, type ObjectKey, type Resource } from "../client/resource.ts";
import { readWireObject, type WireObject } from "../client/wire-object.ts";

/** Objects per page, the number of kubectl and client-go. */
const PAGE_SIZE = 500;

/** What to list or watch. */
export interface Selection {
  readonly api: KubernetesApi;
  readonly resource: Resource;
  /**
   * The only object that is read: then a right to that one is enough. Default: every object, of
   * every namespace.
   */
  readonly only?: ObjectKey | undefined;
  /** For example `app.kubernetes.io/managed-by=fenceline`. Default: every object. */
  readonly labelSelector?: string | undefined;
  /** Whether to ask for the `metadata` of each object alone. Default: for all of it. */
  readonly isMetadataOnly?: boolean | undefined;
}

/**
 * The requested collection, and which part of it. RBAC compares `metadata.name` of the field
 * selector with `resourceNames`.
 */
export function selected({ resource, only, labelSelector }: Selection) {
  const fieldSelector = only && `metadata.name=${only.name}`;
  return { path: collectionPath(resource, only?.namespace), query: { labelSelector, fieldSelector } };
}

/**
 * Lists a kind page by page and passes each object to `onObject`, so that at most one page is held.
 * Returns the resource version from which to watch.
 *
 * It sets no `resourceVersion`: 0 would allow a server's cache that is older than what was seen
 * already. When the continue token expires (410), the list is read again in one piece, which needs
 * no token. Objects of the first pages are passed twice then.
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
  selection: Selection,
  onObject: (object: WireObject) => void,
  signal: AbortSignal,
  limit: string | undefined,
): Promise<string> {
  const { api, resource, isMetadataOnly = false } = selection;
  const { path, query } = selected(selection);
  const accept = isMetadataOnly ? { accept: metadataOnly("PartialObjectMetadataList") } : {};
  let token: string | undefined;
  let resourceVersion = "";
  do {
    const page = readPage(await api.json({ method: "GET", path, query: { ...query, limit, continue: token }, signal, ...accept }));
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
