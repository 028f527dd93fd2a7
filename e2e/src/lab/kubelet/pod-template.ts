import { parse } from "yaml";
import type { KubernetesObject } from "../kubernetes/object.ts";

/** The fields of a Pod object that this lab's kubelet reads. */
export interface PodObject extends KubernetesObject {
  readonly metadata: KubernetesObject["metadata"] & {
    readonly namespace: string;
    readonly uid: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
    readonly deletionGracePeriodSeconds?: number;
  };
  readonly spec: {
    readonly nodeName?: string;
    readonly serviceAccountName?: string;
    readonly automountServiceAccountToken?: boolean;
    readonly restartPolicy?: "Always" | "OnFailure" | "Never";
    readonly containers: readonly Container[];
    readonly volumes?: readonly Volume[];
  };
  readonly status?: { readonly phase?: string };
}

/** A container of a pod. */
export interface Container {
  readonly name: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string } };
  }[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

/** A probe by HTTP. */
export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: number | string };
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly failureThreshold?: number;
}

/** A volume; other kinds are not needed here. */
interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly projected?: {
    readonly sources: readonly { readonly serviceAccountToken?: ServiceAccountToken; readonly configMap?: ProjectedConfigMap }[];
  };
}

/** Some keys of a ConfigMap as files. */
export interface ProjectedConfigMap {
  readonly name: string;
  readonly items?: readonly { readonly key: string; readonly path: string }[];
}

/** A token that a kubelet requests for the pod's service account. */
export interface ServiceAccountToken {
  readonly path: string;
  readonly audience?: string;
  readonly expirationSeconds?: number;
}

/** Where a pod is. */
export interface PodPlaces {
  /** Its volumes, by name. */
  readonly folders: ReadonlyMap<string, string>;
  readonly address: string;
}

/** How a container is run: with expanded variables and the real paths of its mounts. */
export interface Invocation {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * What a container runs.
 *
 * @param folders where each volume's content is; arguments that begin with its mount path are moved
 * there, since nothing is mounted here
 */
export function invocation(pod: PodObject, container: Container, { folders, address }: PodPlaces): Invocation {
  const env = Object.fromEntries(
    (container.env ?? []).map(({ name, value, valueFrom }) => [name, value ?? field(pod, address, valueFrom?.fieldRef)]),
  );
  // https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/:
  // an unknown $(NAME) stays as it is.
  const expand = (text: string) => text.replace(/\$\((\w+)\)/g, (whole, name: string) => env[name] ?? whole);
  const move = (text: string) =>
    (container.volumeMounts ?? []).reduce((moved, { name, mountPath }) => moved.replace(mountPath, folders.get(name) ?? mountPath), text);
  return { command: [...(container.command ?? []), ...(container.args ?? [])].map((word) => move(expand(word))), env };
}

/** The number of a port, which a probe may name. */
export function portNumber({ ports = [] }: Container, port: number | string): number {
  return typeof port === "number" ? port : (ports.find(({ name }) => name === port)?.containerPort ?? 0);
}

/**
 * Whether Istio's injector would add a proxy to the pod: by its own label, else by its namespace's.
 *
 * @see
 * https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/#controlling-the-injection-policy
 */
export function isInjected({ metadata }: PodObject, namespace: KubernetesObject | undefined): boolean {
  const own = metadata.labels?.["sidecar.istio.io/inject"];
  return own === undefined ? namespace?.metadata.labels?.["istio-injection"] === "enabled" : own === "true";
}

/** The pod's own settings for its proxy, on top of the mesh's. */
export function proxyConfig({ metadata }: PodObject): Readonly<Record<string, unknown>> {
  return (parse(metadata.annotations?.["proxy.istio.io/config"] ?? "") as Record<string, unknown> | null) ?? {};
}

function field({ metadata }: PodObject, address: string, reference: { readonly fieldPath: string } | undefined): string {
  if (reference?.fieldPath === "status.podIP" || reference?.fieldPath === "status.podIPs") return address;
  if (reference?.fieldPath === "metadata.name") return metadata.name;
  if (reference?.fieldPath === "metadata.namespace") return metadata.namespace;
  throw new Error(`${metadata.name}: this lab's kubelet does not know the field ${reference?.fieldPath}`);
}
