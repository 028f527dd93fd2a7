import {
  type ObjectRef,
  OWNER_ANNOTATION,
  ownerText,
  type RenderedKind,
  type RenderedObject,
  readOwnerText,
  SERVICE_FENCE,
} from "@fenceline/api";
import type { Reading } from "./object-folder.ts";

/** A rendered object in a folder, and the owner it was rendered for. */
export interface OwnedObject {
  readonly owner: ObjectRef;
  readonly object: RenderedObject;
}

/** The content of its file. */
export function contentOfOwned({ owner, object }: OwnedObject): unknown {
  const { apiVersion, kind, metadata, ...rest } = object;
  const annotations = { [OWNER_ANNOTATION]: ownerText(owner) };
  return { apiVersion, kind, metadata: { ...metadata, annotations }, ...rest };
}

/** The object's name in its file. */
export function nameOfOwned(content: unknown): unknown {
  return (content as { readonly metadata?: { readonly name?: unknown } | null } | null | undefined)?.metadata?.name;
}

/**
 * Reads a file of one of the kinds. It checks only what the controller compares and reads: anything
 * else that is wrong is written over.
 */
export function ownedReader(kinds: readonly RenderedKind[]): (content: unknown, key: ObjectRef) => Reading<OwnedObject> {
  return (content, key) => {
    const file = content as FileContent | null | undefined;
    const kind = kinds.find(({ name }) => name === key.kind);
    if (kind === undefined || !isWhole(file, key, kind)) return { value: undefined, leftOut: [] };
    const { annotations, ...metadata } = file.metadata as RenderedObject["metadata"] & { readonly annotations?: unknown };
    return { value: { owner: ownerOf(annotations, key), object: { ...file, metadata } as RenderedObject }, leftOut: [] };
  };
}

type FileContent = Partial<RenderedObject> & { readonly metadata?: { readonly annotations?: unknown } };

/** Files of an earlier version name no owner: there, each belonged to the fence of its name. */
function ownerOf(annotations: unknown, { namespace, name }: ObjectRef): ObjectRef {
  const text = (annotations as Readonly<Record<string, unknown>> | null | undefined)?.[OWNER_ANNOTATION];
  return readOwnerText(text, namespace) ?? { kind: SERVICE_FENCE.name, namespace, name };
}

function isWhole(
  file: FileContent | null | undefined,
  { kind, namespace, name }: ObjectRef,
  { lists, isItem = () => true }: RenderedKind,
): file is RenderedObject {
  const spec = (file?.spec ?? {}) as Readonly<Record<string, unknown>>;
  return (
    file?.kind === kind &&
    file.metadata?.namespace === namespace &&
    file.metadata.name === name &&
    lists.every((list) => isListOfObjects(spec[list], isItem))
  );
}

function isListOfObjects(value: unknown, isItem: (item: object) => boolean): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "object" && item !== null && isItem(item));
}
