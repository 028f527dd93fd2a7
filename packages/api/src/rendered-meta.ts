import type { RenderedMeta } from "./kinds/istio.ts";
import { MANAGED_BY_LABEL, MANAGER } from "./managed-by.ts";
import type { ObjectMeta } from "./object.ts";

/** The control plane of this revision alone reads an object with this label. */
const REVISION_LABEL = "istio.io/rev";

/** An object of ours for which others are rendered. */
export interface RenderedFor {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/**
 * `metadata` of an object that is rendered for one of ours: it carries our label, the owner's
 * revision of Istio, and its owner, so that the API server cleans up. An object from a file has no
 * uid, and its store removes what is no longer rendered.
 *
 * @param name of the rendered object. Default: its owner's
 */
export function renderedMeta({ apiVersion, kind, metadata }: RenderedFor, name = metadata.name): RenderedMeta {
  const { namespace, labels, uid } = metadata;
  const revision = labels[REVISION_LABEL];
  return {
    name,
    namespace,
    labels: { [MANAGED_BY_LABEL]: MANAGER, ...(revision !== undefined && { [REVISION_LABEL]: revision }) },
    ...(uid !== undefined && {
      ownerReferences: [{ apiVersion, kind, name: metadata.name, uid, controller: true, blockOwnerDeletion: true }],
    }),
  };
}
