import { z } from "zod";
import { ObjectMeta } from "../object.ts";
import { type MeshKind, meshKind, type Repeats } from "./kind.ts";

/** Of a pod only its labels: which workload it belongs to. */
export const Pod = z.object({ apiVersion: z.literal("v1"), kind: z.literal("Pod"), metadata: ObjectMeta });
export type Pod = z.infer<typeof Pod>;

function keepPod({ metadata: { name, namespace, labels }, ...pod }: Pod, repeats: Repeats): Pod {
  return { ...pod, metadata: { name, namespace: repeats.text(namespace), labels: repeats.labels(labels) } };
}

/**
 * In no table of kinds: a mesh has tens of thousands of pods, and the collector may read them only
 * where the configuration asks for it.
 */
export const POD: MeshKind<Pod, "Pod"> = {
  ...meshKind(
    { name: "Pod", plural: "pods", apiVersions: ["v1"], isNamespaced: true },
    { schema: Pod, keep: keepPod, isOptional: false, isInManifests: true },
  ),
  isMetadataOnly: true,
};

/** The kind as one that is read: of an API server only the pods that have a label are. */
export function podsLabelled(key: string): MeshKind<Pod, "Pod"> {
  return { ...POD, labelSelector: key };
}
