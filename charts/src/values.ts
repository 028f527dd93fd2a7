import { Config, Fallback } from "@fenceline/api";
import { z } from "zod";
import { Labels, LabelValue, ObjectName } from "./kubernetes/names.ts";
import { AuthorizationSource, NetworkPeer, ScalingBehavior } from "./kubernetes/policies.ts";
import { ImageName, podValues } from "./pod-values.ts";

const Port = z.int().min(1).max(65_535);
const Seconds = z.int().min(0).max(3_600);
// A rule of a NetworkPolicy without peers allows everybody, the opposite of what a reader expects
// of an empty list.
const Peers = z.array(NetworkPeer).min(1);

const Image = z.strictObject({
  repository: ImageName.repository
    .default("")
    .describe("Repository of the image, with its registry. Required: no image of Fenceline is published yet."),
  tag: ImageName.tag.default("").describe("Empty: the chart's appVersion."),
  digest: ImageName.digest.default("").describe("Digest (sha256:…) of the image. It wins over the tag."),
  pullPolicy: z.enum(["Always", "IfNotPresent", "Never"]).default("IfNotPresent").describe("When the image is pulled."),
  pullSecrets: z
    .array(z.strictObject({ name: ObjectName }))
    .default([])
    .describe("Secrets to pull it with, for example [{ name: registry }]."),
});

/** Largest number that a flag of the processes accepts. */
const MOST_COUNT = 999_999_999;

const Load = z.strictObject({
  maxTurnMilliseconds: z
    .union([z.literal(0), z.int().min(10).max(60_000)])
    .default(250)
    .describe(
      "If turns of a worker's event loop stay longer than this, it refuses a share of the requests; a request waits for two turns. 10 at least; 0: never.",
    ),
  maxRequests: z.int().min(1).max(MOST_COUNT).default(10_000).describe("Most requests in flight in one worker. A further one gets 503."),
  maxConnections: z
    .int()
    .min(1)
    .max(MOST_COUNT)
    .default(10_000)
    .describe("Most client connections of one worker. A further one is closed."),
});

const Autoscaling = z.strictObject({
  enabled: z.boolean().default(true).describe("A HorizontalPodAutoscaler, which needs a metrics server."),
  minReplicas: z.int().min(1).default(2).describe("Fewest pods."),
  maxReplicas: z.int().min(1).default(10).describe("Most pods."),
  targetCPUUtilizationPercentage: z
    .int()
    .min(1)
    .max(100)
    .default(60)
    .describe("Target of the CPU use, as a share of the container's request. Istio's proxy beside it does not count."),
  behavior: ScalingBehavior.default({}).describe("How fast it scales up and down, as in autoscaling/v2. Empty: Kubernetes' defaults."),
});

const GlobalSidecar = z.strictObject({
  ports: z
    .array(Port)
    .min(1)
    .meta({ uniqueItems: true })
    .default([80])
    .describe(
      "Ports of the Service to which fenced Envoys send calls to unknown hosts. The collector adds every port that some Service declares as HTTP.",
    ),
  drainDelaySeconds: Seconds.default(5).describe(
    "After SIGTERM: how long new requests are still accepted, until every Envoy knows that the pod ends.",
  ),
  drainSeconds: Seconds.default(25).describe("After that: how long requests in flight may take to finish."),
  workers: z
    .union([z.int().min(1).max(64), z.literal("auto")])
    .default(1)
    .describe(
      "Threads that take requests, each on one core, or auto: one for each core of the limit, or of the node where there is none. The CPU request is for one; more pods serve as well as more workers.",
    ),
  load: Load.prefault({}).describe("Limits of each worker, beyond which it refuses requests. They are far above normal load."),
  replicas: z.int().min(1).default(2).describe("Number of pods when autoscaling is off."),
  autoscaling: Autoscaling.prefault({}),
  sidecar: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .describe("An Istio Sidecar that shows it every service. Needed where a default Sidecar in Istio's root namespace hides some."),
    })
    .prefault({}),
  useClientProtocol: z
    .boolean()
    .default(true)
    .describe("A DestinationRule by which HTTP/2 stays HTTP/2 on the way to it. Without it gRPC fails there: Envoy would speak HTTP/1.1."),
  ...podValues({ requests: { cpu: "200m", memory: "128Mi" }, limits: { memory: "768Mi" } }),
});

const Collector = z.strictObject({
  replicas: z.int().min(1).default(2).describe("Number of pods. Every one learns; one of them, the holder of the Lease, renders."),
  connectionPerClient: z
    .boolean()
    .default(true)
    .describe(
      "An EnvoyFilter by which our own Envoy opens a connection to the collector for each connection of a client, instead of one for all. Without it a client that floods the access-log port delays the access logs of all others. An open connection takes about 50 KB of the collector's memory.",
    ),
  ...podValues({ requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "1Gi" } }),
});

const NetworkPolicies = z.strictObject({
  enabled: z.boolean().default(true).describe("NetworkPolicies for our pods: who may open connections to them."),
  workloads: Peers.default([{ namespaceSelector: {} }]).describe(
    "Peers that may reach the global sidecar and the access-log port. Fenced workloads may be anywhere in the mesh.",
  ),
  api: Peers.default([{ podSelector: {} }]).describe(
    "Peers that may reach the collector's API and the global sidecar's admin port. Default: pods of the same namespace.",
  ),
  metrics: Peers.default([{ namespaceSelector: {} }]).describe(
    "Peers that may reach the metrics that Istio's agent serves for us (port 15020).",
  ),
});

const Authorization = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe(
      "Istio's policies for our pods: mTLS is STRICT, and an AuthorizationPolicy says who may call which port. Switch it off only in a mesh in which no caller has a proxy; then nobody's identity is known.",
    ),
  api: z
    .array(AuthorizationSource)
    .default([])
    .describe(
      "Sources, as in an AuthorizationPolicy, that may call the collector's API and the global sidecar's admin port in addition to our own namespace, for example [{ namespaces: [operations] }].",
    ),
});

const Withdrawal = z.strictObject({
  withdraw: z
    .boolean()
    .default(true)
    .describe(
      "Before the chart is removed, delete every Sidecar and EnvoyFilter that Fenceline made, so that each workload sees the whole mesh again. The Job's rights exist only while it runs.",
    ),
});

/**
 * Values of the chart. values.yaml is written from it, with a default for each. A value that is
 * missing in the merged values was set to null, and is refused.
 */
const ChartValues = z.strictObject({
  image: Image.prefault({}).describe("The image of every part."),
  nameOverride: LabelValue.default("").describe("Value of the label app.kubernetes.io/name. Empty: the chart's name."),
  commonLabels: Labels.default({}).describe(
    "More labels of every object and every pod. Those that the chart sets itself stay as they are.",
  ),
  istio: z
    .strictObject({
      // istiod and its ConfigMap are named after it, so it is a DNS label.
      revision: z
        .string()
        .regex(/^([a-z0-9]([-a-z0-9]{0,57}[a-z0-9])?)?$/, "not a revision: up to 59 lower-case letters, digits and '-'")
        .default("")
        .describe("Revision of the control plane that injects our pods, as in the label istio.io/rev. Empty: the default one."),
    })
    .prefault({}),
  // The chart sets these three itself: a second source could contradict.
  config: Config.omit({ namespace: true, collector: true })
    .extend({ fallback: Fallback.omit({ service: true, serviceAccount: true }).prefault({}) })
    .prefault({})
    .describe("Configuration of the collector. Namespace and Service names are filled in by the chart."),
  log: z
    .strictObject({ level: z.enum(["debug", "info", "warn", "error"]).default("info").describe("Lowest level that is logged.") })
    .prefault({}),
  globalSidecar: GlobalSidecar.prefault({}).describe("The fallback proxy."),
  collector: Collector.prefault({}).describe("The daemon that learns edges and renders fences."),
  networkPolicy: NetworkPolicies.prefault({}),
  authorization: Authorization.prefault({}),
  uninstall: Withdrawal.prefault({}),
});

/** The fields of a JSON schema from which the chart's files are made. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly [keyword: string]: unknown;
}

/**
 * `values.schema.json` of the chart. Helm checks the values merged over values.yaml, where every
 * default is.
 */
export function valuesSchema(): JsonSchema {
  const schema = withoutDefaultsInLists(z.toJSONSchema(ChartValues, { io: "output", reused: "inline" }) as JsonSchema);
  return { ...schema, properties: { ...schema.properties, global: { description: "Helm's own, for a chart above this one." } } };
}

/**
 * A value with a default is always there in a map of values.yaml. Helm does not merge elements of
 * lists: there it may be missing, and the collector adds it.
 */
function withoutDefaultsInLists(schema: JsonSchema, isInList = false): JsonSchema {
  const { properties, items, required } = schema;
  return {
    ...schema,
    ...(properties !== undefined && { properties: mapValues(properties, (property) => withoutDefaultsInLists(property, isInList)) }),
    ...(items !== undefined && { items: withoutDefaultsInLists(items as JsonSchema, true) }),
    ...(isInList && Array.isArray(required) && { required: required.filter((name) => properties?.[name]?.default === undefined) }),
  };
}

function mapValues<T, R>(record: Readonly<Record<string, T>>, change: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}
