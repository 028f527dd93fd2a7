import type { Labels } from "../object.ts";
import type { Kind } from "./kind.ts";

/**
 * The Istio kinds that Fenceline renders. Plain types: we write these, we do not validate what
 * others wrote. `v1beta1` of Sidecar is served by every Istio since 1.5; EnvoyFilter has no later
 * version than `v1alpha3`.
 */

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller: true;
  readonly blockOwnerDeletion: true;
}

export interface RenderedMeta {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface Sidecar {
  readonly apiVersion: "networking.istio.io/v1beta1";
  readonly kind: "Sidecar";
  readonly metadata: RenderedMeta;
  readonly spec: {
    readonly workloadSelector: { readonly labels: Labels };
    readonly egress: readonly { readonly hosts: readonly string[] }[];
  };
}

/** A value of Envoy's configuration, as JSON. */
export type EnvoyValue = string | number | boolean | readonly EnvoyValue[] | { readonly [field: string]: EnvoyValue };

export interface ConfigPatch {
  readonly applyTo: "HTTP_ROUTE" | "NETWORK_FILTER" | "HTTP_FILTER";
  readonly match: { readonly [field: string]: EnvoyValue };
  readonly patch: { readonly operation: "INSERT_FIRST" | "INSERT_BEFORE" | "MERGE"; readonly value: EnvoyValue };
}

export interface EnvoyFilter {
  readonly apiVersion: "networking.istio.io/v1alpha3";
  readonly kind: "EnvoyFilter";
  readonly metadata: RenderedMeta;
  readonly spec: {
    readonly workloadSelector: { readonly labels: Labels };
    readonly configPatches: readonly ConfigPatch[];
  };
}

export type RenderedObject = Sidecar | EnvoyFilter;

/** The hosts that a Sidecar shows, as it names them; none of another kind. */
export function sidecarHosts(object: RenderedObject): readonly string[] {
  return object.kind === "Sidecar" ? object.spec.egress.flatMap(({ hosts }) => hosts) : [];
}

/** `v1beta1`, as rendered: every Istio since 1.5 serves it. */
export const SIDECAR: Kind<"Sidecar"> = {
  name: "Sidecar",
  plural: "sidecars",
  apiVersions: ["networking.istio.io/v1beta1"],
  isNamespaced: true,
};

export const ENVOY_FILTER: Kind<"EnvoyFilter"> = {
  name: "EnvoyFilter",
  plural: "envoyfilters",
  apiVersions: ["networking.istio.io/v1alpha3"],
  isNamespaced: true,
};

/**
 * In the order in which a mesh takes them in: a host is hidden only after the fallback catches
 * calls to it.
 */
export const RENDERED_KINDS: readonly Kind<RenderedObject["kind"]>[] = [ENVOY_FILTER, SIDECAR];
