import type { FakeApiServer, FakeObject, Resource } from "@fenceline/kubernetes/testing";
import { ENVOY_FILTERS, SIDECARS } from "@fenceline/store/kubernetes/testing";

interface Owner {
  readonly uid: string;
}

/**
 * What Kubernetes' garbage collector does once an object is gone: of what has another owner it
 * takes the reference away, and the rest it deletes.
 */
export function collectGarbage(server: FakeApiServer, uid: string): void {
  for (const resource of [SIDECARS, ENVOY_FILTERS]) for (const object of server.list(resource)) collect(server, resource, object, uid);
}

function collect(server: FakeApiServer, resource: Resource, object: FakeObject, uid: string): void {
  const { ownerReferences = [] } = object.metadata as { readonly ownerReferences?: readonly Owner[] };
  const others = ownerReferences.filter((owner) => owner.uid !== uid);
  if (others.length === ownerReferences.length) return;
  if (others.length === 0) server.remove(resource, object.metadata);
  else server.put(resource, { ...object, metadata: { ...object.metadata, ownerReferences: others } }, "kube-controller-manager");
}
