import { groupOf, type Kind } from "@fenceline/api";

/** A kind as in the API server's paths. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /**
   * Versions by which it may be read if the API server does not serve `apiVersion`. Default: none.
   */
  readonly otherVersions?: readonly string[];
}

/** Names one object of a kind. Cluster-wide kinds have no namespace. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/**
 * The resources of a kind: one for each of its groups, in the order of precedence, by the version
 * that is stored. The API server converts an object of any other version to this one.
 */
export function resourcesOf({ name, plural, apiVersions, isNamespaced }: Kind): readonly [Resource, ...Resource[]] {
  const resource = ([apiVersion = "", ...otherVersions]: readonly string[]): Resource => ({
    ...{ apiVersion, kind: name, plural, namespaced: isNamespaced },
    ...(otherVersions.length > 0 && { otherVersions }),
  });
  const [first = [], ...others] = Map.groupBy(apiVersions, groupOf).values();
  return [resource(first), ...others.map(resource)];
}

export const LEASES: Resource = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", plural: "leases", namespaced: true };

/** Path of all objects of a kind, or of those in a given namespace. */
export function collectionPath({ apiVersion, plural, namespaced }: Resource, namespace?: string): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return namespaced && namespace !== undefined ? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}` : `${root}/${plural}`;
}

/** Path of one object, or of one of its subresources. */
export function objectPath(resource: Resource, { namespace, name }: ObjectKey, subresource?: "status"): string {
  const path = `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** `namespace/name`, or only the name. Neither may contain a slash, so it is unambiguous. */
export function keyText({ namespace, name }: ObjectKey): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
