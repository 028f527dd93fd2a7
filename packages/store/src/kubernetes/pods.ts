import type { Labels } from "@fenceline/api";
import { collectionPath, type KubernetesApi, type Resource } from "@fenceline/kubernetes";
import type { PodFinder } from "../capabilities.ts";

export const PODS: Resource = { apiVersion: "v1", kind: "Pod", plural: "pods", namespaced: true };
/** Of a pod nothing is wanted but that it is there. */
const METADATA = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";

/**
 * Looks for pods at the API server, one at a time. They are not watched: a mesh has tens of
 * thousands of them, and all but whether some is there is told by Services and access logs.
 */
export class ListedPods implements PodFinder {
  readonly #api: Pick<KubernetesApi, "json">;

  constructor(api: Pick<KubernetesApi, "json">) {
    this.#api = api;
  }

  async exist(namespace: string, labels: Labels): Promise<boolean | undefined> {
    const labelSelector = Object.entries(labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(",");
    const request = {
      method: "GET",
      path: collectionPath(PODS, namespace),
      query: { labelSelector, limit: "1" },
      accept: METADATA,
    } as const;
    try {
      const { items } = (await this.#api.json(request)) as { readonly items?: unknown };
      return Array.isArray(items) ? items.length > 0 : undefined;
    } catch {
      return undefined;
    }
  }
}
