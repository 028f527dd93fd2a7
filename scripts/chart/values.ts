import { Config, Fallback } from "@fenceline/api";
import { z } from "zod";

/** Objects of Kubernetes' own kinds: the API server checks them. */
const KubernetesObject = z.record(z.string(), z.unknown());
const Strings = z.record(z.string(), z.string());
const Port = z.int().min(1).max(65_535);
const Seconds = z.int().min(0).max(3_600);
// A rule of a NetworkPolicy without peers lets everybody in, the opposite of what an empty list says to its reader.
const Peers = z.array(KubernetesObject).min(1);

const DisruptionBudget = z.strictObject({
  enabled: z.boolean(),
  maxUnavailable: z.union([z.int().min(0), z.string().regex(/^\d+%$/)]).describe("Pods that may be away at a time: a number or a share."),
});

const Placement = {
  resources: KubernetesObject.describe("Resource requests and limits of the container."),
  podAnnotations: Strings.describe("More annotations of its pods."),
  podLabels: Strings.describe("More labels of its pods."),
  nodeSelector: Strings,
  tolerations: z.array(KubernetesObject),
  affinity: KubernetesObject,
  priorityClassName: z.string(),
};

const GlobalSidecar = z.strictObject({
  ports: z
    .array(Port)
    .min(1)
    .describe("Ports of its Service. The collector adds every port that some service declares as HTTP, and never takes one away."),
  external: z.enum(["forward", "refuse"]).describe("Hosts that are no service of the cluster."),
  drainDelaySeconds: Seconds.describe("After SIGTERM: how long requests are still taken, until every Envoy knows that the pod leaves."),
  drainSeconds: Seconds.describe("After that: how long requests in flight may take to finish."),
  workers: z
    .union([z.int().min(1).max(64), z.literal("auto")])
    .describe("Threads that take requests; auto: one for each core of the limit, or of the node where there is none."),
  load: z
    .strictObject({
      maxTurnMilliseconds: z
        .int()
        .min(0)
        .max(60_000)
        .describe("Turns of a worker's event loop that stay longer than this make it refuse a share of the requests. 0: never."),
      maxRequests: z.int().min(1).describe("Requests in flight in one worker."),
      maxConnections: z.int().min(1).describe("Client connections of one worker."),
    })
    .describe("What a worker takes on before it answers 503, or closes a connection."),
  replicas: z.int().min(1).describe("Pods, when autoscaling is off."),
  autoscaling: z.strictObject({
    enabled: z.boolean(),
    minReplicas: z.int().min(1),
    maxReplicas: z.int().min(1),
    targetCPUUtilizationPercentage: z.int().min(1).max(100),
  }),
  disruptionBudget: DisruptionBudget,
  sidecar: z.strictObject({
    enabled: z.boolean().describe("An Istio Sidecar that shows it every service, for meshes whose root namespace has a default Sidecar."),
  }),
  useClientProtocol: z.boolean().describe("A DestinationRule by which HTTP/2 stays HTTP/2 on the way to it. gRPC needs that."),
  ...Placement,
});

/** Values of the chart. Every field is required, because values.yaml has a default for each: what is missing was set to null. */
export const ChartValues = z.strictObject({
  image: z.strictObject({
    repository: z.string().min(1),
    tag: z.string().describe("Default: the chart's appVersion."),
    pullPolicy: z.enum(["Always", "IfNotPresent", "Never"]),
    pullSecrets: z.array(z.strictObject({ name: z.string() })),
  }),
  istio: z.strictObject({ revision: z.string().describe("Revision of the control plane that injects our pods. Empty: the default one.") }),
  // The chart knows these three itself; two sources for them could only disagree.
  config: Config.omit({ namespace: true, collector: true }).extend({ fallback: Fallback.omit({ service: true }).prefault({}) }),
  log: z.strictObject({ level: z.enum(["debug", "info", "warn", "error"]) }),
  globalSidecar: GlobalSidecar,
  collector: z.strictObject({ replicas: z.int().min(1), disruptionBudget: DisruptionBudget, ...Placement }),
  networkPolicy: z.strictObject({
    enabled: z.boolean(),
    workloads: Peers.describe("Who may reach the global sidecar and the access-log port."),
    api: Peers.describe("Who may reach the collector's API."),
    metrics: Peers.describe("Who may reach the metrics that Istio's agent serves (port 15020)."),
  }),
  uninstall: z.strictObject({
    withdraw: z.boolean().describe("Before the chart is removed, take back every Sidecar and EnvoyFilter that Fenceline made."),
  }),
});

/** `values.schema.json` of the chart. Helm checks the values merged over values.yaml, where every default is. */
export function valuesSchema(): object {
  const schema = z.toJSONSchema(ChartValues, { io: "input", reused: "inline" });
  return { ...schema, properties: { ...schema.properties, global: { description: "Helm's own, for a chart above this one." } } };
}
