/**
 * Routes of the Gateway API, cut down to what they are for calls within the mesh: which Services
 * are their parents, and where they may send the calls to these.
 */
import { z } from "zod";
import { isJsonObject } from "../json-object.ts";
import { ObjectMeta } from "../object.ts";
import { type MeshKind, meshKind, placeOnly, type Repeats } from "./kind.ts";

/** A Service by its name. */
interface ServicePlace {
  readonly namespace: string;
  readonly name: string;
}

/** An object of any of {@link GATEWAY_ROUTE_KINDS}. */
export interface GatewayRoute<Kind extends string = string> {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: ObjectMeta;
  readonly spec: {
    /** Services for calls to which it is. Other parents are gateways, and waypoints. */
    readonly parents: readonly ServicePlace[];
    /** Services that it may send them to: `backendRefs` and mirrors of all rules. */
    readonly backends: readonly ServicePlace[];
    /** Hosts that it may send them to, by Istio's kind `Hostname`. */
    readonly hosts: readonly string[];
  };
}

type Fields = Readonly<Record<string, unknown>>;

/** A schema that refuses nothing: the kinds' own authors say what is valid. */
function routeSchema<Kind extends string>(kind: Kind): z.ZodType<GatewayRoute<Kind>> {
  const written = z.object({ apiVersion: z.string(), kind: z.literal(kind), metadata: ObjectMeta, spec: z.unknown().optional() });
  return written.transform(({ apiVersion, metadata, spec }) => {
    const { parentRefs, rules } = isJsonObject(spec) ? spec : ({} as Fields);
    const backends = listOf(rules).flatMap(backendsOf);
    const hosts = backends.flatMap(({ group, kind: of, name }) =>
      group === "networking.istio.io" && of === "Hostname" && typeof name === "string" ? [name.toLowerCase()] : [],
    );
    const places = (references: readonly Fields[], defaultKind?: string) =>
      onlyOnce(references.flatMap((reference) => placeOf(reference, metadata.namespace, defaultKind) ?? []));
    // Without a kind a parent is a Gateway, and a backend a Service.
    return {
      ...{ apiVersion, kind, metadata },
      spec: { parents: places(listOf(parentRefs)), backends: places(backends, "Service"), hosts: [...new Set(hosts)] },
    };
  });
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** A mirror is a filter, of a rule or of one of its backends. */
function backendsOf(rule: Fields): readonly Fields[] {
  const backends = listOf(rule.backendRefs);
  const filters = [...listOf(rule.filters), ...backends.flatMap(({ filters: own }) => listOf(own))];
  const mirrors = filters.flatMap(({ requestMirror }) => (isJsonObject(requestMirror) ? [requestMirror.backendRef] : []));
  return [...backends, ...listOf(mirrors)];
}

function placeOf({ group, kind, name, namespace }: Fields, own: string, defaultKind: string | undefined): ServicePlace | undefined {
  const isCore = group === undefined || group === null ? defaultKind === "Service" || kind === "Service" : group === "" || group === "core";
  if (!isCore || (kind ?? defaultKind) !== "Service" || typeof name !== "string") return undefined;
  return { namespace: typeof namespace === "string" ? namespace : own, name };
}

function onlyOnce(places: readonly ServicePlace[]): readonly ServicePlace[] {
  return [...new Map(places.map((place) => [`${place.namespace}/${place.name}`, place])).values()];
}

function keepRoute<Kind extends string>({ metadata, spec, ...route }: GatewayRoute<Kind>, repeats: Repeats): GatewayRoute<Kind> {
  return { ...route, spec: repeats.value(spec), metadata: placeOnly(metadata, repeats) };
}

/** Optional: many clusters have none of these kinds, or only some versions of them. */
function routeKind<Kind extends string>(name: Kind, plural: string, ...versions: readonly string[]): MeshKind<GatewayRoute<Kind>, Kind> {
  const apiVersions = versions.map((version) => `gateway.networking.k8s.io/${version}`);
  return meshKind(
    { name, plural, apiVersions, isNamespaced: true },
    { schema: routeSchema(name), keep: keepRoute, isOptional: true, isInManifests: true },
  );
}

const HTTP_ROUTE = routeKind("HTTPRoute", "httproutes", "v1", "v1beta1");
const GRPC_ROUTE = routeKind("GRPCRoute", "grpcroutes", "v1", "v1alpha2");
const TCP_ROUTE = routeKind("TCPRoute", "tcproutes", "v1alpha2", "v1");
const TLS_ROUTE = routeKind("TLSRoute", "tlsroutes", "v1alpha2", "v1alpha3", "v1");

export const GATEWAY_ROUTE_KINDS = [HTTP_ROUTE, GRPC_ROUTE, TCP_ROUTE, TLS_ROUTE] as const;
