import { z } from "zod";
import { ObjectMeta } from "../object.ts";
import { NETWORKING_VERSIONS } from "./istio.ts";
import { meshKind, type Repeats } from "./kind.ts";

/** What becomes of hosts of ServiceEntries in a fence. */
export const SERVICE_ENTRY_MODES = ["Visible", "Learn"] as const;
export type ServiceEntryMode = (typeof SERVICE_ENTRY_MODES)[number];

/**
 * A host that somebody registered with Istio beside the Services, cut down to what decides who
 * sees it, on which ports, and whether its name is resolved by the proxy. Its endpoints are read by
 * nobody: they change often, and istiod alone goes by them.
 */
export const ServiceEntry = z.object({
  apiVersion: z.enum(NETWORKING_VERSIONS),
  kind: z.literal("ServiceEntry"),
  metadata: ObjectMeta,
  spec: z.object({
    hosts: z.array(z.string()).default([]),
    addresses: z.array(z.string()).default([]),
    ports: z
      .array(z.object({ number: z.int().min(1).max(65_535), name: z.string().default(""), protocol: z.string().default("") }))
      .default([]),
    exportTo: z.array(z.string()).default([]),
    /** Its pods. Istio refuses anything else; here it costs the selector alone. */
    workloadSelector: z
      .object({ labels: z.record(z.string(), z.string()).default({}) })
      .optional()
      .catch(undefined),
  }),
});
export type ServiceEntry = z.infer<typeof ServiceEntry>;

function keepServiceEntry({ metadata: { name, namespace, labels }, spec, ...entry }: ServiceEntry, repeats: Repeats): ServiceEntry {
  const { ports, exportTo, workloadSelector, ...rest } = spec;
  return {
    ...entry,
    metadata: {
      ...{ name, namespace: repeats.text(namespace) },
      labels: repeats.labels(labels),
    },
    spec: {
      ...rest,
      ports: repeats.value(ports),
      exportTo: repeats.value(exportTo),
      ...(workloadSelector && { workloadSelector: repeats.value(workloadSelector) }),
    },
  };
}

/** Optional: a mesh without Istio's CRDs has none, and whoever may not read them misses them. */
export const SERVICE_ENTRY = meshKind(
  { name: "ServiceEntry", plural: "serviceentries", apiVersions: NETWORKING_VERSIONS, isNamespaced: true },
  { schema: ServiceEntry, keep: keepServiceEntry, isOptional: true, isInManifests: true },
);
