import { type StructuralSchema, structuralSchema } from "./crd-schema.ts";
import { ServiceFenceStatus } from "./fence-status.ts";
import { FENCE_API_VERSIONS, ServiceFenceSpec } from "./service-fence.ts";

/** A column of `kubectl get`. Those of priority 1 are in `-o wide` only. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "boolean" | "date";
  readonly jsonPath: string;
  readonly description: string;
  readonly priority?: 1;
}

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
      readonly storage: true;
      readonly subresources: { readonly status: Record<string, never> };
      readonly additionalPrinterColumns: readonly PrinterColumn[];
      readonly schema: { readonly openAPIV3Schema: StructuralSchema };
    }[];
  };
}

const COLUMNS: readonly PrinterColumn[] = [
  { name: "Mode", type: "string", jsonPath: ".spec.mode", description: "Enforce, Observe or Off. Empty: what Enable says." },
  { name: "Enable", type: "boolean", jsonPath: ".spec.enable", description: "Slime's switch." },
  { name: "Ready", type: "string", jsonPath: conditionPath("Ready"), description: "Whether what the fence says is in effect." },
  {
    name: "Enforced",
    type: "string",
    jsonPath: conditionPath("Enforced"),
    description: "Whether the workload's view of the mesh is narrowed.",
  },
  { name: "Reason", type: "string", jsonPath: reasonPath("Ready"), description: "Why it is ready or not.", priority: 1 },
  {
    name: "Observed",
    type: "date",
    jsonPath: ".status.observedUntil",
    description: "How long ago telemetry of the workload was last seen.",
    priority: 1,
  },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp", description: "Since when the fence exists." },
];

/** The CustomResourceDefinitions of ServiceFence, one for each group: ours, and Slime's older one. */
export function fenceDefinitions(): readonly CustomResourceDefinition[] {
  return FENCE_API_VERSIONS.map(fenceDefinition);
}

function fenceDefinition(apiVersion: string): CustomResourceDefinition {
  const [group = "", version = ""] = apiVersion.split("/");
  const plural = "servicefences";
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind: "ServiceFence", listKind: "ServiceFenceList", plural, singular: "servicefence", shortNames: ["svf"] },
      scope: "Namespaced",
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: COLUMNS,
          schema: { openAPIV3Schema: fenceSchema() },
        },
      ],
    },
  };
}

function fenceSchema(): StructuralSchema {
  return {
    description: "What one workload calls, learned and kept, and how much of the mesh its Envoy is told about.",
    type: "object",
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      spec: { description: "What its author says.", ...structuralSchema(ServiceFenceSpec) },
      status: { description: "What Fenceline has learned, and what it does.", ...statusSchema() },
    },
  };
}

/**
 * The status takes more than we write. What Slime left there stays until it was taken over. And Helm never updates a
 * CustomResourceDefinition, so a newer Fenceline must be able to write a condition or a field that this one does not know.
 */
function statusSchema(): StructuralSchema {
  const open = opened(structuralSchema(ServiceFenceStatus));
  const { conditions, ...rest } = open.properties ?? {};
  if (conditions === undefined) return open;
  // At most one condition of a type, and server-side apply merges them one by one.
  const keyed: StructuralSchema = { ...conditions, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] };
  return { ...open, properties: { ...rest, conditions: keyed } };
}

/** The same schema without lists of allowed words, and with room for unknown fields in every object of fixed fields. */
function opened({ enum: _words, properties, additionalProperties, items, ...schema }: StructuralSchema): StructuralSchema {
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

function conditionPath(type: string): string {
  return `.status.conditions[?(@.type=="${type}")].status`;
}

function reasonPath(type: string): string {
  return `.status.conditions[?(@.type=="${type}")].reason`;
}
