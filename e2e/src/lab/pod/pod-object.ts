import { NODE_NAME } from "../control-plane/control-plane.ts";
import type { KubernetesClient, KubernetesObject, ObjectReference } from "../kubernetes/client.ts";

/** A pod to be. */
export interface PodSpec {
  readonly namespace: string;
  readonly name: string;
  /** Default `app: <name>`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Default: the pod's name; it is made when there is none. */
  readonly serviceAccount?: string;
  /** Where its readiness is asked for, as in a Deployment's probe. Without it a suite says when the pod is ready. */
  readonly readinessProbe?: { readonly path: string; readonly port: number };
}

/** Labels of the Pod object. The last one is what Istio's injection adds, and what automatic mTLS to the pod depends on. */
export function podLabels({ name, labels = { app: name } }: PodSpec): Readonly<Record<string, string>> {
  return { ...labels, "security.istio.io/tlsMode": "istio" };
}

export function podReference({ namespace, name }: PodSpec): ObjectReference {
  return { apiVersion: "v1", kind: "Pod", metadata: { namespace, name } };
}

/** Makes the Pod object as a scheduler and a kubelet would, running at `address` and not ready yet. */
export async function createPodObject(client: KubernetesClient, spec: PodSpec, address: string): Promise<void> {
  await client.apply(podObject(spec));
  await setPodStatus(client, spec, address, false);
}

/** Tells the API server whether the pod is ready, as a kubelet would: endpoints follow. */
export async function setPodStatus(client: KubernetesClient, spec: PodSpec, address: string, isReady: boolean): Promise<void> {
  const ready = isReady ? "True" : "False";
  const conditions = [
    { type: "PodScheduled", status: "True" },
    { type: "Initialized", status: "True" },
    { type: "ContainersReady", status: ready },
    { type: "Ready", status: ready },
  ];
  const container = { name: "app", image: "lab", imageID: "", ready: isReady, started: true, restartCount: 0, state: { running: {} } };
  const status = { phase: "Running", podIP: address, podIPs: [{ ip: address }], conditions, containerStatuses: [container] };
  await client.patch(podReference(spec), { status }, "status");
}

function podObject(spec: PodSpec): KubernetesObject {
  const { namespace, name, serviceAccount = name } = spec;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace, name, labels: podLabels(spec) },
    // No kubelet looks at the image.
    spec: { nodeName: NODE_NAME, serviceAccountName: serviceAccount, containers: [{ name: "app", image: "lab" }] },
  };
}
