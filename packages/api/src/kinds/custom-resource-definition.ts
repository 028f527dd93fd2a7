import { groupOf, type OwnKind, type PrinterColumn, versionOf } from "./kind.ts";
import { hasOtherNames } from "./normalize.ts";
import { type StructuralSchema, structuralSchema } from "./structural-schema.ts";

export interface CustomResourceDefinition {
  readonly apiVersion: "apiextensions.k8s.io/v1";
  readonly kind: "CustomResourceDefinition";
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames: readonly string[];
    };
    readonly scope: "Namespaced";
    readonly versions: readonly {
      readonly name: string;
      readonly served: true;
      readonly storage: boolean;
      readonly subresources: { readonly status: Record<string, never> };
      readonly additionalPrinterColumns: readonly PrinterColumn[];
      readonly schema: { readonly openAPIV3Schema: StructuralSchema };
    }[];
  };
}

/**
 * The CustomResourceDefinitions of a kind, one for each of its groups, with all its versions of
 * that group.
 *
 * All versions have one schema, with every field under each of its names: the API server converts
 * by changing the `apiVersion` alone, and prunes what the schema of the other version lacks.
 *
 * @throws {TypeError} when the kind cannot be told to an API server
 */
export function customResourceDefinitions(kind: OwnKind): readonly CustomResourceDefinition[] {
  if (kind.normalize === undefined && hasOtherNames(kind.spec))
    throw new TypeError(`${kind.name} has fields of several names and no normalize`);
  return [...Map.groupBy(kind.apiVersions, groupOf)].map(([group, apiVersions]) => definitionOf(kind, group, apiVersions.map(versionOf)));
}

function definitionOf(kind: OwnKind, group: string, versions: readonly string[]): CustomResourceDefinition {
  const { name, plural, singular, shortNames, columns } = kind;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind: name, listKind: `${name}List`, plural, singular, shortNames },
      scope: "Namespaced",
      versions: versions.map((version, at) => ({
        name: version,
        served: true,
        storage: at === 0,
        subresources: { status: {} },
        additionalPrinterColumns: columns,
        schema: { openAPIV3Schema: schemaOf(kind) },
      })),
    },
  };
}

function schemaOf({ description, spec, status }: OwnKind): StructuralSchema {
  return {
    description: description.kind,
    type: "object",
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      spec: { description: description.spec, ...structuralSchema(spec) },
      status: { description: description.status, ...statusSchema(status) },
    },
  };
}

/**
 * The status takes more than we write. What Slime left there stays until it was taken over. And
 * Helm never updates a CustomResourceDefinition, so a newer Fenceline must be able to write a
 * condition or a field that this one does not know.
 */
function statusSchema(status: OwnKind["status"]): StructuralSchema {
  const open = opened(structuralSchema(status));
  const { conditions, ...rest } = open.properties ?? {};
  if (conditions === undefined) return open;
  // At most one condition of a type, and server-side apply merges them one by one.
  const keyed: StructuralSchema = { ...conditions, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] };
  return { ...open, properties: { ...rest, conditions: keyed } };
}

/**
 * The same schema without allowed words, forms or lengths, and with room for unknown fields in
 * every object of fixed fields.
 */
function opened(closed: StructuralSchema): StructuralSchema {
  const { enum: _words, pattern: _forms, minLength: _least, maxLength: _most, minItems: _fewest, maxItems: _all, ...rest } = closed;
  const { properties, additionalProperties, items, ...schema } = rest;
  return {
    ...schema,
    ...(additionalProperties !== undefined && { additionalProperties: opened(additionalProperties) }),
    ...(items !== undefined && { items: opened(items) }),
    ...(properties !== undefined && {
      "x-kubernetes-preserve-unknown-fields": true,
      properties: Object.fromEntries(Object.entries(properties).map(([name, child]) => [name, opened(child)])),
    }),
  };
}
