import { ENDPOINT_SLICE, type Labels, SERVICE_NAME_LABEL } from "@fenceline/api";
import { collectionPath, type KubernetesApi, type Resource, resourcesOf } from "@fenceline/kubernetes";
import type { NamedPod, PodFinder } from "../capabilities.ts";

export const PODS: Resource = { apiVersion: "v1", kind: "Pod", plural: "pods", namespaced: true };
const [SLICES] = resourcesOf(ENDPOINT_SLICE);
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

  /** Without the right to list pods, EndpointSlices tell of which Services it is. */
  async named(namespace: string, name: string): Promise<NamedPod | undefined> {
    const pods = await this.#list(PODS, namespace, { fieldSelector: `metadata.name=${name}`, limit: "1" }, METADATA);
    const [pod] = pods ?? [];
    if (pod !== undefined) return { labels: (pod as Named).metadata?.labels ?? {} };
    const slices = pods === undefined ? await this.#list(SLICES, namespace, {}) : undefined;
    const services = (slices ?? []).flatMap((slice) => {
      const { metadata, endpoints } = slice as SliceOfPods;
      const isIn = endpoints?.some(({ targetRef }) => targetRef?.kind === "Pod" && targetRef.name === name) === true;
      return isIn ? (metadata?.labels?.[SERVICE_NAME_LABEL] ?? []) : [];
    });
    return services.length === 0 ? undefined : { services: [...new Set(services)] };
  }

  async exist(namespace: string, labels: Labels): Promise<boolean | undefined> {
    const labelSelector = Object.entries(labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(",");
    const found = await this.#list(PODS, namespace, { labelSelector, limit: "1" }, METADATA);
    return found && found.length > 0;
  }

  /** Undefined where nobody can say. */
  async #list(
    resource: Resource,
    namespace: string,
    query: Readonly<Record<string, string>>,
    accept = "application/json",
  ): Promise<readonly unknown[] | undefined> {
    try {
      const { items } = (await this.#api.json({ method: "GET", path: collectionPath(resource, namespace), query, accept })) as {
        readonly items?: unknown;
      };
      // Go writes an empty list as null, and the API server one of metadata.
      return Array.isArray(items) ? items : items === null ? [] : undefined;
    } catch {
      return undefined;
    }
  }
}

interface Named {
  readonly metadata?: { readonly labels?: Labels };
}

interface SliceOfPods extends Named {
  readonly endpoints?: readonly { readonly targetRef?: { readonly kind?: string; readonly name?: string } }[] | null;
}
