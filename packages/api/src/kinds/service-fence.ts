import { z } from "zod";
import { duration } from "../duration-field.ts";
import { EgressHostKey } from "../egress-host.ts";
import type { FenceKey } from "../fence-key.ts";
import { Labels, ObjectMeta, ObjectName, type ObjectRef } from "../object.ts";
import { conditionPath, reasonPath } from "./condition.ts";
import { ResetAnnotations } from "./fence-reset.ts";
import type { OwnKind, PrinterColumn } from "./kind.ts";
import { mergeServiceFenceStatus } from "./merge-service-fence-status.ts";
import { normalFence, stoppedFence } from "./normal-fence.ts";
import { readFenceStatus } from "./read-service-fence-status.ts";
import { salvagedFence } from "./salvaged-fence.ts";
import { SERVICE_ENTRY_MODES } from "./service-entry.ts";
import { ServiceFenceStatus } from "./service-fence-status.ts";

/** Our own group, and Slime's older one: resources of both are taken as they stand. */
export const FENCE_API_VERSIONS = ["microservice.slime.io/v1alpha1", "microservice.netease.com/v1alpha1"] as const;

/**
 * Slime's wire form of a point in time. `int64` may come as text, as protobuf's JSON mapping writes
 * it.
 */
const Timestamp = z.strictObject({
  seconds: z.union([z.int(), z.string().regex(/^-?\d+$/)]).optional(),
  nanos: z.int().min(0).max(999_999_999).optional(),
});

const RecyclingStrategy = z.strictObject({
  stable: z.strictObject({}).nullish().describe("Never expires. The same as giving no strategy at all."),
  deadline: z
    .strictObject({ expire: Timestamp })
    .nullish()
    .describe(
      "Leaves the fence at this point in time. What every fence shows, as hosts of ServiceEntries by `serviceEntries: Visible`, stays in sight.",
    ),
  auto: z
    .strictObject({ duration: Timestamp.optional() })
    .nullish()
    .describe(
      "Ages like a learned host, after `duration` (its seconds are a length of time; one shorter than the configuration's `ageing.shortestWindow` counts as that) or else the fence's idle window. `<namespace>/*` and `*.<domain>` are in use while a host that they stand for is called.",
    ),
  RecentlyCalled: Timestamp.nullish().describe(
    "Slime's field; accepted, and counted as the last time an `auto` host was seen, unless it is in the future. One that is longer ago than the host's window lets it go with the first telemetry.",
  ),
});
export type RecyclingStrategy = z.infer<typeof RecyclingStrategy>;

const WarmUp = z.strictObject({
  preload: z
    .union([z.enum(["None", "Namespace", "All"]), z.array(EgressHostKey)])
    .default("None")
    .describe(
      "What the fence shows before anything was learned: nothing, every service of its namespace, every service of the mesh, or these hosts. `All` is not cut by `maxHosts`, and its hosts take no room until they are called; there are 100,000 at most. `Namespace` and a list take the room that `maxHosts` leaves, services by name and a list as it is written; where hosts are left out, AtCapacity and the log say so. It is put in once, and once more when it has changed.",
    ),
  for: duration
    .default("24h")
    .describe(
      "How long preloaded hosts stay, in observed time, when nobody calls them. Not less than the configuration's `ageing.shortestWindow`.",
    ),
});

export const FENCE_MODES = ["Enforce", "Observe", "Off"] as const;

export const ServiceFenceSpec = z.strictObject({
  enable: z
    .boolean()
    .optional()
    .describe("Slime's switch. `false` is `mode: Off`; `true` is `mode: Enforce` unless `mode` says otherwise."),
  mode: z
    .enum(FENCE_MODES)
    .optional()
    .describe(
      "Enforce: learn and narrow. Observe: learn only; the workload keeps seeing the whole mesh. Off: nothing is rendered; quote it in YAML, where kubectl reads a plain Off as false. Default: what `enable` says, else Off.",
    ),
  host: z
    .record(EgressHostKey, RecyclingStrategy.nullish())
    .default({})
    .describe("Static dependencies: host or `<namespace>/*` to how long it stays. They never age unless their strategy says so."),
  namespaceSelector: z
    .array(z.string())
    .default([])
    .describe(
      "Every service of these namespaces is a static dependency; `*` is all of them, `.` the own one. What is no name of a namespace is left out, and Ready says so.",
    ),
  labelSelector: z
    .array(z.strictObject({ selector: Labels.default({}) }))
    .default([])
    .describe("Services whose labels match one of these entries are static dependencies; all labels of one entry must match."),
  workloadSelector: z
    .strictObject({
      labels: Labels.default({}).describe("Labels of the pods that this fence is for."),
      fromService: z.boolean().default(false).describe("Take the pod selector of the Service with this fence's name."),
    })
    .prefault({})
    .describe("The workload. Without labels and without `fromService`: pods whose `app` label is this fence's name."),
  serviceAccounts: z
    .array(ObjectName)
    .min(1)
    .max(64)
    .optional()
    .describe(
      "Service accounts of the workload's pods, at most 64. Only proxies with a certificate of one of them are believed to be the fence's: others of its namespace teach it nothing, and do not leave the mesh in its name. Default: every service account of its namespace, since a certificate does not tell which pod has it.",
    ),
  idleWindow: duration
    .optional()
    .describe(
      "How long a learned host may go unseen, in observed time, before it leaves the fence. What is shorter than the configuration's `ageing.shortestWindow` (10s) counts as that, what is longer than ten years as ten years; Ready says so. Default: the configuration's `ageing.idleWindow`.",
    ),
  maxHosts: z
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe(
      "Most learned hosts. Static ones, and those of `preload: All` that nobody called, are not counted. Beyond it a host that was not seen within its window makes room; what was seen within it never does, and the newcomer stays on the fallback (condition AtCapacity). With a smaller number than there are hosts in use, these stay until they are idle. Default: the configuration's `ageing.maxHosts`.",
    ),
  tcp: z
    .enum(["visible", "learn"])
    .default("visible")
    .describe(
      "visible: services with a port that is not HTTP are in every fence (beyond 1,000 of them those of the largest namespaces by one wildcard each), so that no TCP connection can fail. learn: they are learned from access logs, and the first connection bypasses the mesh; visible are then only services that declare TCP on a port number that is HTTP elsewhere, which no access log would tell. Logging them changes their listeners, so Envoy cuts connections that were open before, 45 s after the fence came.",
    ),
  serviceEntries: z
    .enum(SERVICE_ENTRY_MODES)
    .optional()
    .describe(
      "Visible: every host of a ServiceEntry that the namespace sees is in the fence, whether or not it is called, and never ages. Learn: it is learned from access logs, and ages; not where its name is resolved by the proxy, a port of it is not HTTP, or a DestinationRule begins TLS for it: these stay visible. Default: the configuration's `serviceEntries`.",
    ),
  warmUp: WarmUp.prefault({}),
});
export type ServiceFenceSpec = z.infer<typeof ServiceFenceSpec>;

export const ServiceFence = z.object({
  apiVersion: z.enum(FENCE_API_VERSIONS),
  kind: z.literal("ServiceFence"),
  metadata: ObjectMeta.extend({ annotations: ResetAnnotations }),
  spec: ServiceFenceSpec.prefault({}),
  /**
   * Machines write it, so a part that cannot be read costs neither the rest of it nor the fence.
   */
  status: z
    .unknown()
    .optional()
    .transform((status) => readFenceStatus(status).status),
});
export type ServiceFence = z.infer<typeof ServiceFence> & {
  /** What is wrong with its spec. */
  readonly fault?: string;
  /**
   * Fields of its spec that have faults, where the rest counts. Undefined where nothing is wrong,
   * or where only counts that it is switched off.
   */
  readonly faulty?: readonly string[];
};
export type FenceMode = (typeof FENCE_MODES)[number];

/**
 * What the fence is to do: Slime's `enable` and our `mode` in one word. `enable: false` always
 * wins, as an emergency stop should.
 */
export function fenceMode({ enable, mode }: Pick<ServiceFenceSpec, "enable" | "mode">): FenceMode {
  if (enable === false) return "Off";
  return mode ?? (enable === true ? "Enforce" : "Off");
}

/** Farthest point in time that a JavaScript date holds, in milliseconds before and after 1970. */
const FARTHEST = 8_640_000_000_000_000;

/**
 * Slime's timestamp in milliseconds, or undefined when it holds none. One that no date can hold
 * counts as the farthest that one can.
 */
export function timestampMs(timestamp: z.infer<typeof Timestamp> | null | undefined): number | undefined {
  if (timestamp?.seconds === undefined) return undefined;
  const milliseconds = Number(timestamp.seconds) * 1_000 + Math.floor((timestamp.nanos ?? 0) / 1_000_000);
  return Math.min(FARTHEST, Math.max(-FARTHEST, milliseconds));
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

/** Ages what a workload calls, and narrows its Envoy's view to it. */
export const SERVICE_FENCE: OwnKind<ServiceFence, ServiceFenceStatus, "ServiceFence"> = {
  name: "ServiceFence",
  plural: "servicefences",
  singular: "servicefence",
  shortNames: ["svf"],
  apiVersions: FENCE_API_VERSIONS,
  isNamespaced: true,
  schema: ServiceFence,
  spec: ServiceFenceSpec,
  status: ServiceFenceStatus,
  columns: COLUMNS,
  faultCondition: "Ready",
  description: {
    kind: "What one workload calls, learned and kept, and how much of the mesh its Envoy is told about.",
    spec: "What its author says.",
    status: "What Fenceline has learned, and what it does.",
  },
  errorPrefix: "FENCE",
  // The field that people get wrong most.
  faultCode: ([part, field, ...rest]) => (part === "spec" && field === "host" && rest.length > 0 ? "FENCE_HOST_INVALID" : undefined),
  normalize: normalFence,
  inSpiteOfFaults: stoppedFence,
  withoutFaults: salvagedFence,
  acceptedCondition: "Accepted",
  shadowedConditions: [
    { type: "Ready", status: "False" },
    { type: "Enforced", status: "False" },
    { type: "Conflict", status: "True" },
  ],
  inForce: { conditions: ["Ready", "Enforced", "FallbackReady"] },
  readStatus: readFenceStatus,
  mergeStatus: mergeServiceFenceStatus,
  // A host of the spec that nobody called is in the next manifest, too.
  holdsLearned: ({ domains, metricStatus }) =>
    Object.values(domains).some(({ source, lastSeen, status }) => source !== "static" || lastSeen !== undefined || status === "EXPIRE") ||
    Object.keys(metricStatus ?? {}).length > 0,
};

/** Names a fence among objects of all kinds. */
export function fenceRef({ namespace, name }: FenceKey): ObjectRef<"ServiceFence"> {
  return { kind: SERVICE_FENCE.name, namespace, name };
}

/** Whether a proxy with a certificate of this service account may be one of the fence's. */
export function admitsAccount({ spec }: Pick<ServiceFence, "spec">, serviceAccount: string): boolean {
  return spec.serviceAccounts?.includes(serviceAccount) ?? true;
}
