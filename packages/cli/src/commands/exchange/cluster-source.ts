import { type KnownObject, MANIFEST_KINDS, parseManifests } from "@fenceline/api";
import { collectionPath, hasStatus, KubernetesApi, kubeConfigLoader, type Resource, resourcesOf } from "@fenceline/kubernetes";

/** Kinds of which nothing is exported, and of which a cluster has many objects. */
const NOT_ASKED: ReadonlySet<string> = new Set(["EndpointSlice", "SmartLimiter"]);
const PAGE = "500";

/**
 * The objects of a cluster that an export reads. A kind that is not installed has no objects.
 *
 * @throws the error of the API server, if it refuses a request
 */
export async function objectsOfCluster(kubeconfig: string | undefined): Promise<readonly KnownObject[]> {
  const api = new KubernetesApi(await kubeConfigLoader(kubeconfig));
  try {
    const objects = new Map<string, KnownObject>();
    for (const kind of MANIFEST_KINDS.filter(({ name }) => !NOT_ASKED.has(name)))
      for (const resource of resourcesOf(kind))
        for (const object of await listed(api, resource)) {
          const key = JSON.stringify([object.kind, object.metadata]);
          if (!objects.has(key)) objects.set(key, object);
        }
    return [...objects.values()];
  } finally {
    api.close();
  }
}

async function listed(api: KubernetesApi, resource: Resource): Promise<readonly KnownObject[]> {
  const objects: KnownObject[] = [];
  let next: string | undefined;
  do {
    const list = await pageOf(api, resource, next);
    const text = JSON.stringify({ ...list, apiVersion: resource.apiVersion, kind: `${resource.kind}List` });
    objects.push(...parseManifests(text, `${resource.plural} of the cluster`).objects);
    next = list.metadata?.continue || undefined;
  } while (next !== undefined);
  return objects;
}

interface List {
  readonly items: readonly object[];
  readonly metadata?: { readonly continue?: string };
}

async function pageOf(api: KubernetesApi, resource: Resource, next: string | undefined): Promise<List> {
  try {
    return (await api.json({ method: "GET", path: collectionPath(resource), query: { limit: PAGE, continue: next } })) as List;
  } catch (error) {
    if (hasStatus(error, 404)) return { items: [] };
    throw error;
  }
}
