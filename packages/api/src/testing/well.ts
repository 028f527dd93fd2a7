/**
 * A kind of others that is only read, and lives in tests only: its schema, what is kept of it, and
 * its line for the table of kinds. What cannot deal with it has a Service written into it.
 */
import { z } from "zod";
import type { MeshKind, Repeats } from "../kinds/kind.ts";
import { ObjectMeta } from "../object.ts";

const Well = z.object({
  apiVersion: z.enum(["test.fenceline.io/v1beta1", "test.fenceline.io/v1"]),
  kind: z.literal("Well"),
  metadata: ObjectMeta,
  spec: z.object({ depth: z.int().min(1), owner: z.string().optional() }),
});
export type Well = z.infer<typeof Well>;

/** Nobody reads its labels, nor whose it is. */
function keepWell({ metadata: { name, namespace }, spec: { depth }, ...well }: Well, repeats: Repeats): Well {
  return { ...well, metadata: { name, namespace: repeats.text(namespace), labels: {} }, spec: { depth } };
}

/** Its line in the table of kinds that are only read. */
export const WELL: MeshKind<Well, "Well"> = {
  name: "Well",
  plural: "wells",
  apiVersions: ["test.fenceline.io/v1beta1", "test.fenceline.io/v1"],
  isNamespaced: true,
  schema: Well,
  errorPrefix: "WELL",
  keep: keepWell,
  isOptional: true,
  isInManifests: true,
};
