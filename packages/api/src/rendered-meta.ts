import type { OwnerReference, RenderedMeta, RenderedObject } from "./kinds/istio.ts";
import { MANAGED_BY_LABEL, MANAGER, OWNER_ANNOTATION, REVISION_LABEL } from "./labels.ts";
import type { ObjectMeta, ObjectRef } from "./object.ts";

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
 * @param installation what the object belongs to as well, so that it outlives its owner until it is
 * taken away in steps. Default: nothing, and it goes with its owner
 */
export function renderedMeta(
  { apiVersion, kind, metadata }: RenderedFor,
  name = metadata.name,
  installation?: OwnerReference,
): RenderedMeta {
  const { namespace, labels, uid } = metadata;
  const revision = labels[REVISION_LABEL];
  return {
    name,
    namespace,
    labels: { [MANAGED_BY_LABEL]: MANAGER, ...(revision !== undefined && { [REVISION_LABEL]: revision }) },
    ...(uid !== undefined &&
      installation !== undefined && { annotations: { [OWNER_ANNOTATION]: ownerText({ kind, name: metadata.name }) } }),
    ...(uid !== undefined && {
      ownerReferences: [
        { apiVersion, kind, name: metadata.name, uid, controller: true, blockOwnerDeletion: true },
        ...(installation === undefined ? [] : [installation]),
      ],
    }),
  };
}

/**
 * Whether Kubernetes leaves an object where it is when the one that it was rendered for goes: not
 * when it belongs to nothing else.
 */
export function outlivesOwner({ metadata: { ownerReferences = [] } }: RenderedObject): boolean {
  return ownerReferences.length === 0 || ownerReferences.some(({ controller }) => controller !== true);
}

/** The same object once the one that it was rendered for is gone. */
export function withoutOwner<O extends RenderedObject>(object: O): O {
  const { ownerReferences } = object.metadata;
  if (ownerReferences === undefined) return object;
  return { ...object, metadata: { ...object.metadata, ownerReferences: ownerReferences.filter(({ controller }) => controller !== true) } };
}

/** What {@link OWNER_ANNOTATION} says. */
export function ownerText({ kind, name }: Pick<ObjectRef, "kind" | "name">): string {
  return `${kind}/${name}`;
}

/** Reads {@link ownerText}; undefined when it is none. */
export function readOwnerText(text: unknown, namespace: string): ObjectRef | undefined {
  const [, kind, name] = /^([A-Za-z]+)\/([^/]+)$/.exec(typeof text === "string" ? text : "") ?? [];
  return kind === undefined || name === undefined ? undefined : { kind, namespace, name };
}
