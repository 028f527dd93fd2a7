import { z } from "zod";
import { ObjectMeta } from "../object.ts";
import { NETWORKING_VERSIONS } from "./istio.ts";
import { meshKind, placeOnly, type Repeats } from "./kind.ts";

const Destination = z.object({ host: z.string().default("") }).nullish();
const Weighted = z.array(z.object({ destination: Destination })).nullish();
const Delegate = z.object({ name: z.string().default(""), namespace: z.string().default("") });

const HttpRoute = z.object({
  route: Weighted,
  mirror: Destination,
  mirrors: Weighted,
  delegate: Delegate.nullish(),
});
const StreamRoute = z.object({ route: Weighted });

/** Where a VirtualService may send calls: which of its routes does is of no interest. */
const Spec = z
  .object({
    hosts: z.array(z.string()).nullish(),
    gateways: z.array(z.string()).nullish(),
    exportTo: z.array(z.string()).nullish(),
    http: z.array(HttpRoute).nullish(),
    tcp: z.array(StreamRoute).nullish(),
    tls: z.array(StreamRoute).nullish(),
  })
  .transform(({ hosts, gateways, exportTo, http, tcp, tls }) => {
    const weighted = [http, tcp, tls].flatMap((routes) => routes ?? []).flatMap(({ route }) => route ?? []);
    const mirrored = (http ?? []).flatMap(({ mirror, mirrors }) => [{ destination: mirror }, ...(mirrors ?? [])]);
    const destinations = [...weighted, ...mirrored].flatMap(({ destination }) => destination?.host || []);
    return {
      hosts: hosts ?? [],
      gateways: gateways ?? [],
      exportTo: exportTo ?? [],
      /** Hosts as they are written, each once. */
      destinations: [...new Set(destinations)],
      delegates: (http ?? []).flatMap(({ delegate }) => delegate ?? []),
    };
  });

/**
 * Which hosts a VirtualService is for, who sees it, and where it may send calls: all routes,
 * mirrors and delegates. What it does with a call, such as retries, nobody here reads.
 */
export const VirtualService = z.object({
  apiVersion: z.enum(NETWORKING_VERSIONS),
  kind: z.literal("VirtualService"),
  metadata: ObjectMeta,
  spec: Spec,
});
export type VirtualService = z.infer<typeof VirtualService>;

function keepVirtualService({ metadata, spec, ...service }: VirtualService, repeats: Repeats): VirtualService {
  return {
    ...service,
    metadata: placeOnly(metadata, repeats),
    spec: { ...spec, gateways: repeats.value(spec.gateways), exportTo: repeats.value(spec.exportTo) },
  };
}

/** Optional, as ServiceEntry is. */
export const VIRTUAL_SERVICE = meshKind(
  { name: "VirtualService", plural: "virtualservices", apiVersions: NETWORKING_VERSIONS, isNamespaced: true },
  { schema: VirtualService, keep: keepVirtualService, isOptional: true, isInManifests: true },
);
