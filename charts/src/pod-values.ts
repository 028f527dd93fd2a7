/** Values that every part of Fenceline has: its image, its pods, where and how they run. */
import { z } from "zod";
import {
  ContainerSecurityContext,
  EnvironmentVariable,
  LivenessTimes,
  PodSecurityContext,
  Resources,
  VolumeMount,
} from "./kubernetes/container.ts";
import { Annotations, Labels, ObjectName } from "./kubernetes/names.ts";
import { Affinity, Toleration, TopologySpreadConstraint } from "./kubernetes/scheduling.ts";
import { Volume } from "./kubernetes/volume.ts";

/** A digest pins what runs: a tag can be moved. */
const Digest = z.string().regex(/^(sha256:[0-9a-f]{64})?$/, "not a digest: sha256: and 64 hexadecimal digits");

export const ImageName = {
  // With a port of the registry, and without tag and digest: those have settings of their own.
  repository: z
    .string()
    .regex(
      /^((\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+)(:[0-9]+)?\/)?[a-z0-9._-]+(\/[a-z0-9._-]+)*$|^$/,
      "not a repository: a name without tag and digest",
    ),
  tag: z.string().regex(/^([A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$/, "not a tag"),
  digest: Digest,
};

const DisruptionBudget = z.strictObject({
  enabled: z.boolean().default(true).describe("A PodDisruptionBudget, so that a drained node takes one pod at a time."),
  maxUnavailable: z
    .union([z.int().min(0), z.string().regex(/^\d+%$/)])
    .default(1)
    .describe("Pods that may be away at a time: a number or a share such as 20%."),
});

/** What the restricted pod security standard requires of a container. */
const RESTRICTED_CONTAINER = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } };
/** What it requires of a pod. The image has its own numeric user. */
const RESTRICTED_POD = { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" as const } };

/**
 * Values of one Deployment.
 *
 * @param resources default requests and limits of its container
 */
export function podValues(resources: Readonly<Record<string, Readonly<Record<string, string>>>>) {
  return {
    image: z
      .strictObject({
        repository: ImageName.repository
          .default("")
          .describe("Repository of its image. Empty: image.repository, with that tag and digest."),
        tag: ImageName.tag.default("").describe("Tag, where this image has a repository of its own. Empty: the chart's appVersion."),
        digest: ImageName.digest
          .default("")
          .describe("Digest (sha256:…), where this image has a repository of its own. It wins over the tag."),
      })
      .prefault({})
      .describe("An image of its own for this part, for example the smaller one that the Dockerfile's target of its name builds."),
    disruptionBudget: DisruptionBudget.prefault({}),
    resources: Resources.default(resources).describe("Resource requests and limits of the container."),
    livenessProbe: LivenessTimes.default({ periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 }).describe(
      "Times of the liveness probe; the chart sets its request. A pod that is only slow must not be restarted.",
    ),
    extraArgs: z.array(z.string()).default([]).describe("More flags of the command, for example --log-level=debug."),
    extraEnv: z
      .array(EnvironmentVariable)
      .default([])
      .describe("More environment variables of the container. A name of the chart's own is refused."),
    extraVolumes: z.array(Volume).default([]).describe("More volumes of the pod. A name of the chart's own is refused."),
    extraVolumeMounts: z.array(VolumeMount).default([]).describe("Where the container mounts them."),
    podAnnotations: Annotations.default({}).describe(
      "More annotations of the pods. proxy.istio.io/config is merged with the chart's settings, which stay; prometheus.io/* replace the chart's.",
    ),
    podLabels: Labels.default({}).describe("More labels of the pods. Those that the chart sets itself stay as they are."),
    podSecurityContext: PodSecurityContext.default(RESTRICTED_POD).describe("Security context of the pods: the restricted standard."),
    securityContext: ContainerSecurityContext.default(RESTRICTED_CONTAINER).describe(
      "Security context of the container: the restricted standard.",
    ),
    serviceAccount: z
      .strictObject({ annotations: Annotations.default({}).describe("Annotations of the service account, for example a cloud's role.") })
      .prefault({}),
    nodeSelector: Labels.default({}).describe("Labels of the nodes that its pods may run on."),
    tolerations: z.array(Toleration).default([]).describe("Taints that its pods tolerate."),
    affinity: Affinity.default({}).describe("Affinity of its pods."),
    topologySpreadConstraints: z
      .array(TopologySpreadConstraint)
      .default([])
      .describe("How its pods are spread. Empty: over nodes and zones, where there are several."),
    priorityClassName: z
      .union([z.literal(""), ObjectName])
      .default("")
      .describe("Priority class of its pods."),
  };
}
