/** Kinds that an export may hold and that nobody here looks into when it is read again. */
import { z } from "zod";
import { isJsonObject } from "../json-object.ts";
import { ObjectMeta } from "../object.ts";
import type { ReadKind } from "./kind.ts";

/** An object whose spec stands as its author wrote it. */
export interface WrittenObject<Kind extends string = string> {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: ObjectMeta;
  readonly spec: Readonly<Record<string, unknown>>;
}

function writtenKind<Kind extends string>(name: Kind, plural: string, group: string): ReadKind<WrittenObject<Kind>, Kind> {
  const schema = z.object({
    apiVersion: z.string(),
    kind: z.literal(name),
    metadata: ObjectMeta,
    // As it stands: zod's own records leave out a field called `__proto__`.
    spec: z.custom<Readonly<Record<string, unknown>>>(isJsonObject, "not an object").nullish(),
  });
  return {
    ...{ name, plural, isNamespaced: true, errorPrefix: name.toUpperCase() },
    apiVersions: ["v1beta1", "v1", "v1alpha3"].map((version) => `${group}/${version}`),
    schema: schema.transform(({ spec, ...object }) => ({ ...object, spec: spec ?? {} })) as z.ZodType<WrittenObject<Kind>>,
  };
}

/** A Sidecar, whoever wrote it. */
export const WRITTEN_SIDECAR = writtenKind("Sidecar", "sidecars", "networking.istio.io");
/** An AuthorizationPolicy, whoever wrote it. */
export const WRITTEN_POLICY = writtenKind("AuthorizationPolicy", "authorizationpolicies", "security.istio.io");
