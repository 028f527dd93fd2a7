import { ENDPOINT_SLICE, type Labels, POD, SERVICE_NAME_LABEL } from "@fenceline/api";
import { collectionPath, hasStatus, type KubernetesApi, metadataOnly, type Resource, resourcesOf } from "@fenceline/kubernetes";
import type { NamedPod, PodFinder, PodsFound } from "../capabilities.ts";

export const [PODS] = resourcesOf(POD);
const [SLICES] = resourcesOf(ENDPOINT_SLICE);
/** Of a pod its labels and its existence are needed. */
const METADATA = metadataOnly("PartialObjectMetadataList");

/**
 * Looks for pods at the API server, one request at a time. They are not watched: a mesh has tens of
 * thousands of them, and Services and access logs tell everything but whether one exists.
 */
export class ListedPods implements PodFinder {
  readonly #api: Pick<KubernetesApi, "json">;

  constructor(api: Pick<KubernetesApi, "json">) {
    this.#api = api;
  }

  /** Without the right to list pods, EndpointSlices tell which Services select it. */
  async named(namespace: string, name: string): Promise<NamedPod | undefined> {
    const pods = await this.#list(PODS, namespace, { fieldSelector: `metadata.name=${name}`, limit: "1" }, METADATA);
    const [pod] = listed(pods);
    if (pod !== undefined) return { labels: (pod as Named).metadata?.labels ?? {} };
    const slices = typeof pods === "string" ? await this.#list(SLICES, namespace, {}) : [];
    const services = listed(slices).flatMap((slice) => {
      const { metadata, endpoints } = slice as SliceOfPods;
      const isIn = endpoints?.some(({ targetRef }) => targetRef?.kind === "Pod" && targetRef.name === name) === true;
      return isIn ? (metadata?.labels?.[SERVICE_NAME_LABEL] ?? []) : [];
    });
    return services.length === 0 ? undefined : { services: [...new Set(services)] };
  }

  async exist(namespace: string, labels: Labels): Promise<PodsFound> {
    const labelSelector = Object.entries(labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(",");
    const found = await this.#list(PODS, namespace, { labelSelector, limit: "1" }, METADATA);
    if (typeof found === "string") return found;
    return found.length > 0 ? "some" : "none";
  }

  /** The objects, or why the API server does not tell them. */
  async #list(
    resource: Resource,
    namespace: string,
    query: Readonly<Record<string, string>>,
    accept = "application/json",
  ): Promise<Listed> {
    try {
      const { items } = (await this.#api.json({ method: "GET", path: collectionPath(resource, namespace), query, accept })) as {
        readonly items?: unknown;
      };
      // Go writes an empty list as null; the API server does so for lists of metadata.
      return Array.isArray(items) ? items : items === null ? [] : "failed";
    } catch (error) {
      return hasStatus(error, 401, 403) ? "forbidden" : "failed";
    }
  }
}

type Listed = readonly unknown[] | "forbidden" | "failed";

function listed(list: Listed): readonly unknown[] {
  return typeof list === "string" ? [] : list;
}

interface Named {
  readonly metadata?: { readonly labels?: Labels };
}

interface SliceOfPods extends Named {
  readonly endpoints?: readonly { readonly targetRef?: { readonly kind?: string; readonly name?: string } }[] | null;
}
