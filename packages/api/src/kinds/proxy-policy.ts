/**
 * What other people say of proxies, cut down to the hosts that a proxy must have a cluster for: a
 * Sidecar that hides one has Envoy refuse the listener that names it, and a pod that starts never
 * gets ready (istio/istio#43043, #53701).
 */
import { z } from "zod";
import { isJsonObject } from "../json-object.ts";
import { MANAGED_BY_LABEL, MANAGER } from "../labels.ts";
import { Labels, ObjectMeta } from "../object.ts";
import { clusterReferences, hostOfAddress } from "./cluster-references.ts";
import { type MeshKind, meshKind, placeOnly, type Repeats } from "./kind.ts";

/** An object of any of {@link PROXY_POLICY_KINDS}. */
export interface ProxyPolicy<Kind extends string = string> {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: ObjectMeta;
  readonly spec: {
    /** Labels of the pods that it is for; empty for all of its namespace. */
    readonly selector: Labels;
    /** Hosts that it has these pods' proxies call, each once. */
    readonly references: readonly string[];
    /**
     * Of an EnvoyFilter: whether it takes Istio's catch-all virtual host away, as the mesh-wide one
     * of Slime does. Nothing is left then of which calls could go to our fallback. Default: no.
     */
    readonly removesCatchAll?: boolean;
  };
}

type Fields = Readonly<Record<string, unknown>>;

const Meta = ObjectMeta.extend({ annotations: Labels.optional().catch(undefined) });

/**
 * A schema that refuses nothing: istiod decides what such an object is worth. One with `targetRefs`
 * is for gateways and waypoints, and sidecars pass it over (ShouldAttachPolicy).
 */
function policySchema<Kind extends string>(
  kind: Kind,
  referencesOf: (spec: Fields, annotations: Labels) => readonly string[],
  removesCatchAll: (spec: Fields) => boolean = () => false,
): z.ZodType<ProxyPolicy<Kind>> {
  const written = z.object({ apiVersion: z.string(), kind: z.literal(kind), metadata: Meta, spec: z.unknown().optional() });
  return written.transform(({ apiVersion, metadata: { annotations = {}, ...metadata }, spec }) => {
    const fields = isJsonObject(spec) ? spec : {};
    const isOurs = metadata.labels[MANAGED_BY_LABEL] === MANAGER;
    const isForSidecars = fields.targetRef == null && !(Array.isArray(fields.targetRefs) && fields.targetRefs.length > 0);
    const references = isOurs || !isForSidecars ? [] : [...new Set(referencesOf(fields, annotations))];
    const removes = !isOurs && isForSidecars && removesCatchAll(fields);
    return { apiVersion, kind, metadata, spec: { selector: selectorOf(fields), references, ...(removes && { removesCatchAll: true }) } };
  });
}

/** EnvoyFilters have one form of it, the kinds of Istio's security and extension groups another. */
function selectorOf({ workloadSelector, selector }: Fields): Labels {
  const [labels, matchLabels] = [fieldOf(workloadSelector, "labels"), fieldOf(selector, "matchLabels")];
  return Labels.catch({}).parse(labels ?? matchLabels ?? {});
}

function fieldOf(value: unknown, field: string): unknown {
  return isJsonObject(value) ? value[field] : undefined;
}

/** By it an author tells istiod which Services a gateway needs for an EnvoyFilter; as good here. */
const REFERENCED_SERVICES = "envoyfilter.istio.io/referenced-services";

function referencesOfFilter({ configPatches }: Fields, { [REFERENCED_SERVICES]: referenced = "" }: Labels): readonly string[] {
  const patches = Array.isArray(configPatches) ? configPatches : [];
  const values = patches.filter((each) => fieldOf(fieldOf(each, "match"), "context") !== "GATEWAY").map((each) => fieldOf(each, "patch"));
  const named = referenced.split(",").map((service) => service.trim().toLowerCase());
  return [...named.filter((service) => service !== ""), ...clusterReferences(values)];
}

/** Those that a sidecar has, of ALLOW_ANY and REGISTRY_ONLY. */
const CATCH_ALL_HOSTS: ReadonlySet<unknown> = new Set(["allow_any", "block_all"]);

/** A patch for proxies with certain metadata is for a few of them, such as a fallback's own. */
function removesCatchAll({ configPatches }: Fields): boolean {
  const patches = Array.isArray(configPatches) ? configPatches : [];
  return patches.some((each) => {
    const match = fieldOf(each, "match");
    const context = fieldOf(match, "context") ?? "ANY";
    return (
      fieldOf(each, "applyTo") === "VIRTUAL_HOST" &&
      fieldOf(fieldOf(each, "patch"), "operation") === "REMOVE" &&
      (context === "SIDECAR_OUTBOUND" || context === "ANY") &&
      fieldOf(fieldOf(match, "proxy"), "metadata") == null &&
      CATCH_ALL_HOSTS.has(fieldOf(fieldOf(fieldOf(match, "routeConfiguration"), "vhost"), "name"))
    );
  });
}

/**
 * Envoy fetches the keys by the cluster of the host where istiod finds one and its JWKS resolver
 * does not do it (PILOT_JWT_ENABLE_REMOTE_JWKS); which of the two, nobody outside of it knows.
 */
function referencesOfRules({ jwtRules }: Fields): readonly string[] {
  const rules = Array.isArray(jwtRules) ? jwtRules : [];
  return rules.flatMap((rule) => {
    const uri = fieldOf(rule, "jwksUri") ?? fieldOf(rule, "jwks_uri");
    return typeof uri === "string" ? (hostOfAddress(uri) ?? []) : [];
  });
}

function keepPolicy<Kind extends string>({ metadata, spec, ...policy }: ProxyPolicy<Kind>, repeats: Repeats): ProxyPolicy<Kind> {
  return {
    ...policy,
    metadata: placeOnly(metadata, repeats),
    spec: { ...spec, selector: repeats.labels(spec.selector), references: repeats.value(spec.references) },
  };
}

/** Optional, as ServiceEntry is. */
function policyKind<Kind extends string>(
  kind: Parameters<typeof meshKind<ProxyPolicy<Kind>, Kind>>[0],
  referencesOf: (spec: Fields, annotations: Labels) => readonly string[],
  removesCatchAll?: (spec: Fields) => boolean,
): MeshKind<ProxyPolicy<Kind>, Kind> {
  const schema = policySchema(kind.name, referencesOf, removesCatchAll);
  return meshKind(kind, { schema, keep: keepPolicy, isOptional: true, isInManifests: true });
}

/** Those of others: ours name Services of Istio and of ours, and there may be thousands. */
export const FOREIGN_ENVOY_FILTER: MeshKind<ProxyPolicy<"EnvoyFilter">, "EnvoyFilter"> = {
  ...policyKind(
    { name: "EnvoyFilter", plural: "envoyfilters", apiVersions: ["networking.istio.io/v1alpha3"], isNamespaced: true },
    referencesOfFilter,
    removesCatchAll,
  ),
  labelSelector: `${MANAGED_BY_LABEL}!=${MANAGER}`,
};

export const REQUEST_AUTHENTICATION = policyKind(
  {
    ...{ name: "RequestAuthentication", plural: "requestauthentications", isNamespaced: true },
    apiVersions: ["security.istio.io/v1beta1", "security.istio.io/v1"],
  },
  referencesOfRules,
);

/**
 * Istio's agent fetches the plugin, by no cluster. What the plugin itself calls, its settings say.
 */
export const WASM_PLUGIN = policyKind(
  { name: "WasmPlugin", plural: "wasmplugins", apiVersions: ["extensions.istio.io/v1alpha1"], isNamespaced: true },
  clusterReferences,
);

/** In place of WasmPlugin since Istio 1.30, with Lua beside Wasm. */
export const TRAFFIC_EXTENSION = policyKind(
  { name: "TrafficExtension", plural: "trafficextensions", apiVersions: ["extensions.istio.io/v1alpha1"], isNamespaced: true },
  clusterReferences,
);

export const PROXY_POLICY_KINDS = [FOREIGN_ENVOY_FILTER, REQUEST_AUTHENTICATION, WASM_PLUGIN, TRAFFIC_EXTENSION] as const;
