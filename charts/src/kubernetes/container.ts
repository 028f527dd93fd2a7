/** Parts of a Container of Kubernetes' core/v1 that the values may set. */
import { z } from "zod";
import { ObjectName, Quantity, ShortName } from "./names.ts";

const Id = z.int().min(0).max(2_147_483_647);
/** Kubernetes accepts every printable ASCII character but `=`. */
const EnvironmentName = z.string().regex(/^[ -<>-~]+$/, "not the name of an environment variable");

const KeyReference = z.strictObject({ name: ObjectName, key: z.string().min(1), optional: z.boolean().optional() });
const ValueSource = z.union([
  z.strictObject({ configMapKeyRef: KeyReference }),
  z.strictObject({ secretKeyRef: KeyReference }),
  z.strictObject({ fieldRef: z.strictObject({ fieldPath: z.string().min(1), apiVersion: z.string().optional() }) }),
  z.strictObject({
    resourceFieldRef: z.strictObject({ resource: z.string().min(1), containerName: z.string().optional(), divisor: Quantity.optional() }),
  }),
  z.strictObject({
    fileKeyRef: z.strictObject({
      volumeName: ShortName,
      path: z.string().min(1),
      key: z.string().min(1),
      optional: z.boolean().optional(),
    }),
  }),
]);

/** A value is text, so a number needs quotes. */
export const EnvironmentVariable = z
  .union([
    z.strictObject({ name: EnvironmentName, value: z.string().optional() }),
    z.strictObject({ name: EnvironmentName, value: z.literal("").optional(), valueFrom: ValueSource }),
  ])
  .meta({ id: "EnvironmentVariable" });

/** A resource without a prefix is one of Kubernetes' own. */
const ResourceName = z
  .string()
  .regex(
    /^(cpu|memory|ephemeral-storage|hugepages-[0-9]+(\.[0-9]+)?([kMGTPE]|[KMGTPE]i)?|[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)$/,
    "not a resource",
  );
const Amounts = z.record(ResourceName, Quantity);

export const Resources = z
  .strictObject({
    requests: Amounts.optional(),
    limits: Amounts.optional(),
    claims: z.array(z.strictObject({ name: ShortName, request: z.string().optional() })).optional(),
  })
  .meta({ id: "Resources" });

const Count = z.int().min(1).max(2_147_483_647);

/**
 * Times of a liveness probe, without its request. For liveness probes Kubernetes requires exactly
 * one success.
 */
export const LivenessTimes = z
  .strictObject({
    initialDelaySeconds: z.int().min(0).max(2_147_483_647).optional(),
    periodSeconds: Count.optional(),
    timeoutSeconds: Count.optional(),
    failureThreshold: Count.optional(),
    successThreshold: z.literal(1).optional(),
    terminationGracePeriodSeconds: Count.optional(),
  })
  .meta({ id: "LivenessTimes" });

export const VolumeMount = z
  .strictObject({
    name: ShortName,
    // Kubernetes refuses a colon, which separates paths.
    mountPath: z.string().regex(/^[^:]+$/, "not a path"),
    readOnly: z.boolean().optional(),
    recursiveReadOnly: z.enum(["Disabled", "IfPossible", "Enabled"]).optional(),
    mountPropagation: z.enum(["None", "HostToContainer", "Bidirectional"]).optional(),
    subPath: z.string().optional(),
    subPathExpr: z.string().optional(),
  })
  .meta({ id: "VolumeMount" });

const Profile = z
  .union([
    z.strictObject({ type: z.enum(["RuntimeDefault", "Unconfined"]) }),
    z.strictObject({ type: z.literal("Localhost"), localhostProfile: z.string().min(1) }),
  ])
  .meta({ id: "Profile" });

/** Security settings of both pods and containers. */
const SECURITY = {
  runAsUser: Id.optional(),
  runAsGroup: Id.optional(),
  runAsNonRoot: z.boolean().optional(),
  seccompProfile: Profile.optional(),
  appArmorProfile: Profile.optional(),
  seLinuxOptions: z
    .strictObject({
      user: z.string().optional(),
      role: z.string().optional(),
      type: z.string().optional(),
      level: z.string().optional(),
    })
    .optional(),
  windowsOptions: z
    .strictObject({
      gmsaCredentialSpecName: z.string().optional(),
      gmsaCredentialSpec: z.string().optional(),
      runAsUserName: z.string().optional(),
      hostProcess: z.boolean().optional(),
    })
    .optional(),
};

export const ContainerSecurityContext = z
  .strictObject({
    ...SECURITY,
    allowPrivilegeEscalation: z.boolean().optional(),
    privileged: z.boolean().optional(),
    readOnlyRootFilesystem: z.boolean().optional(),
    procMount: z.enum(["Default", "Unmasked"]).optional(),
    capabilities: z.strictObject({ add: z.array(z.string().min(1)).optional(), drop: z.array(z.string().min(1)).optional() }).optional(),
  })
  .meta({ id: "ContainerSecurityContext" });

export const PodSecurityContext = z
  .strictObject({
    ...SECURITY,
    fsGroup: Id.optional(),
    fsGroupChangePolicy: z.enum(["Always", "OnRootMismatch"]).optional(),
    supplementalGroups: z.array(Id).optional(),
    supplementalGroupsPolicy: z.enum(["Merge", "Strict"]).optional(),
    seLinuxChangePolicy: z.enum(["MountOption", "Recursive"]).optional(),
    sysctls: z.array(z.strictObject({ name: z.string().min(1), value: z.string() })).optional(),
  })
  .meta({ id: "PodSecurityContext" });
