/**
 * Who may call whom, cut down to what it says of callers by their certificate. What else a rule
 * asks for, such as a path or a token, differs from call to call: of it is kept only that there is
 * more.
 */
import { z } from "zod";
import { isJsonObject, type JsonObject } from "../json-object.ts";
import { REVISION_LABEL } from "../labels.ts";
import { Labels, ObjectMeta } from "../object.ts";
import { type MeshKind, meshKind, placeOnly, type Repeats } from "./kind.ts";

/** Callers. Each list that is not empty must have the caller. */
export interface PolicySource {
  /** `<trust domain>/ns/<namespace>/sa/<service account>`, with `*` at one end at will. */
  readonly principals: readonly string[];
  /** Names of namespaces, with `*` at will. */
  readonly namespaces: readonly string[];
  /** `<namespace>/<name>`, or a name in the policy's own namespace (Istio 1.27). */
  readonly serviceAccounts: readonly string[];
  /** Whether it asks for more, so that of these callers some may be none. */
  readonly isConditional: boolean;
}

/** Calls that a rule takes. */
export interface PolicyRule {
  /** Any of them. Empty for every caller. */
  readonly sources: readonly PolicySource[];
  /** Whether it is for some calls only. */
  readonly isConditional: boolean;
}

/** An AuthorizationPolicy, as far as callers can be told from it. */
export interface AuthorizationPolicy {
  readonly apiVersion: string;
  readonly kind: "AuthorizationPolicy";
  readonly metadata: ObjectMeta;
  readonly spec: {
    /**
     * `NONE` for one that decides nothing at a sidecar: AUDIT and CUSTOM, one that is tried out
     * (`istio.io/dry-run`), and one with `targetRefs`, which is for gateways and waypoints.
     */
    readonly action: "ALLOW" | "DENY" | "NONE";
    /** Labels of the pods that it is for; empty for all of its namespace. */
    readonly selector: Labels;
    readonly rules: readonly PolicyRule[];
    /** Whether some control planes pass it over, by its label `istio.io/rev`. */
    readonly isOfRevision: boolean;
  };
}

/** A policy with it is reported on, and enforced by nobody. */
const DRY_RUN = "istio.io/dry-run";

const Meta = ObjectMeta.extend({ annotations: Labels.optional().catch(undefined) });

/** It refuses nothing: istiod decides what such an object is worth. */
const AuthorizationPolicySchema: z.ZodType<AuthorizationPolicy> = z
  .object({ apiVersion: z.string(), kind: z.literal("AuthorizationPolicy"), metadata: Meta, spec: z.unknown().optional() })
  .transform(({ spec, metadata: { annotations, ...metadata }, ...policy }) => {
    const fields = isJsonObject(spec) ? spec : {};
    const { selector } = fields;
    return {
      ...policy,
      metadata,
      spec: {
        action: annotations?.[DRY_RUN]?.toLowerCase() === "true" ? "NONE" : actionOf(fields),
        selector: Labels.catch({}).parse((isJsonObject(selector) ? selector.matchLabels : undefined) ?? {}),
        rules: objectsIn(fields.rules).map(ruleOf),
        isOfRevision: metadata.labels[REVISION_LABEL] !== undefined,
      },
    };
  });

/** Without an action it is ALLOW, and without rules that allows nothing. */
function actionOf({ action = "ALLOW", targetRef, targetRefs }: JsonObject): AuthorizationPolicy["spec"]["action"] {
  if (asks(targetRef) || asks(targetRefs)) return "NONE";
  return action === "ALLOW" || action === "DENY" ? action : "NONE";
}

function ruleOf({ from, ...more }: JsonObject): PolicyRule {
  return { sources: objectsIn(from).map(({ source }) => sourceOf(isJsonObject(source) ? source : {})), isConditional: asksAny(more) };
}

function sourceOf({ principals, namespaces, serviceAccounts, ...more }: JsonObject): PolicySource {
  const lists = { principals: textsOf(principals), namespaces: textsOf(namespaces), serviceAccounts: textsOf(serviceAccounts) };
  return { ...lists, isConditional: asksAny(more) };
}

function asksAny(fields: JsonObject): boolean {
  return Object.values(fields).some(asks);
}

/** An empty list is as good as none. */
function asks(value: unknown): boolean {
  return value != null && !(Array.isArray(value) && value.length === 0);
}

function objectsIn(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.map((each) => (isJsonObject(each) ? each : {})) : [];
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

function keepPolicy({ metadata, spec, ...policy }: AuthorizationPolicy, repeats: Repeats): AuthorizationPolicy {
  return {
    ...policy,
    metadata: placeOnly(metadata, repeats),
    spec: { ...spec, selector: repeats.labels(spec.selector), rules: repeats.value(spec.rules) },
  };
}

/** Optional, as ServiceEntry is. */
export const AUTHORIZATION_POLICY: MeshKind<AuthorizationPolicy, "AuthorizationPolicy"> = meshKind(
  {
    ...{ name: "AuthorizationPolicy", plural: "authorizationpolicies", isNamespaced: true },
    apiVersions: ["security.istio.io/v1beta1", "security.istio.io/v1"],
  },
  { schema: AuthorizationPolicySchema, keep: keepPolicy, isOptional: true, isInManifests: true },
);
