import { z } from "zod";
import { Labels, ObjectMeta } from "../object.ts";
import { NETWORKING_VERSIONS } from "./istio.ts";
import { meshKind, placeOnly, type Repeats } from "./kind.ts";

/** What makes an Envoy begin TLS for its client, other than with a certificate of the mesh. */
const CLIENT_TLS: ReadonlySet<unknown> = new Set(["SIMPLE", "MUTUAL"]);

const Tls = z.object({ mode: z.unknown() }).nullish();
const Policy = z.object({ tls: Tls, portLevelSettings: z.array(z.object({ tls: Tls })).nullish() }).nullish();

const Spec = z
  .object({
    host: z.string().default(""),
    trafficPolicy: Policy,
    subsets: z.array(z.object({ name: z.string().default(""), labels: Labels.nullish(), trafficPolicy: Policy })).nullish(),
  })
  .transform(({ host, trafficPolicy, subsets }) => {
    const policies = [trafficPolicy, ...(subsets ?? []).map((subset) => subset.trafficPolicy)];
    const settings = policies.flatMap((policy) => [policy, ...(policy?.portLevelSettings ?? [])]);
    return {
      host,
      hasClientTls: settings.some((each) => CLIENT_TLS.has(each?.tls?.mode)),
      subsets: (subsets ?? []).map(({ name, labels }) => ({ name, labels: labels ?? {} })),
    };
  });

/**
 * For which hosts an Envoy begins TLS, as a call that goes past it would be made in plain text; and
 * the subsets of a host, for the limits of some of its pods.
 */
export const DestinationRule = z.object({
  apiVersion: z.enum(NETWORKING_VERSIONS),
  kind: z.literal("DestinationRule"),
  metadata: ObjectMeta,
  spec: Spec,
});
export type DestinationRule = z.infer<typeof DestinationRule>;

function keepDestinationRule({ metadata, spec, ...rule }: DestinationRule, repeats: Repeats): DestinationRule {
  const kept = { ...spec, subsets: repeats.value(spec.subsets) };
  return { ...rule, spec: kept, metadata: placeOnly(metadata, repeats) };
}

/** Optional, as ServiceEntry is. */
export const DESTINATION_RULE = meshKind(
  { name: "DestinationRule", plural: "destinationrules", apiVersions: NETWORKING_VERSIONS, isNamespaced: true },
  { schema: DestinationRule, keep: keepDestinationRule, isOptional: true, isInManifests: true },
);
