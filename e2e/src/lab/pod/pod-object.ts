import { NODE_NAME } from "../control-plane/control-plane.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import type { KubernetesObject, ObjectReference } from "../kubernetes/object.ts";

/** A pod to be. */
export interface PodSpec {
  readonly namespace: string;
  readonly name: string;
  /** Default `app: <name>`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Default: the pod's name; it is made when there is none. */
  readonly serviceAccount?: string;
  /**
   * Name of the headless Service in which the pod has its own DNS name `<pod>.<Service>`, like a
   * StatefulSet's pods. Default: none.
   */
  readonly subdomain?: string;
  /**
   * `false`: it stays out of the mesh, with neither Envoy nor redirected connections. Default: it
   * has a proxy with the mesh's settings.
   */
  readonly proxy?: false | ProxySpec;
}

/** Changes of a pod's annotations and probes to its proxy. */
interface ProxySpec {
  /** Fields of Istio's ProxyConfig, on top of the mesh's. */
  readonly config?: Readonly<Record<string, unknown>>;
  /**
   * Paths at which the agent answers for the application's probes: with mTLS, a kubelet cannot call
   * the application itself.
   */
  readonly probers?: Readonly<Record<string, { readonly httpGet: { readonly path: string; readonly port: number } }>>;
}

/**
 * Labels of the Pod object. The last one is what Istio's injection adds, and what automatic mTLS to
 * the pod depends on.
 */
export function podLabels({ name, labels = { app: name }, proxy }: PodSpec): Readonly<Record<string, string>> {
  return proxy === false ? labels : { ...labels, "security.istio.io/tlsMode": "istio" };
}

export function podReference({ namespace, name }: PodSpec): ObjectReference {
  return { apiVersion: "v1", kind: "Pod", metadata: { namespace, name } };
}

/**
 * Makes the Pod object as a scheduler and a kubelet would, running at `address` and not ready yet.
 */
export async function createPodObject(client: KubernetesClient, spec: PodSpec, address: string): Promise<void> {
  await client.apply(podObject(spec));
  await setPodStatus(client, spec, address, false);
}

/**
 * Assigns somebody else's Pod object to the lab's node, as a scheduler would, and adds the label of
 * Istio's injection.
 */
export async function takePodObject(client: KubernetesClient, spec: PodSpec, address: string): Promise<void> {
  const { namespace, name } = spec;
  await client.patch(podReference(spec), { metadata: { labels: podLabels(spec) } });
  const target = { apiVersion: "v1", kind: "Node", name: NODE_NAME };
  const binding = { apiVersion: "v1", kind: "Binding", metadata: { name }, target };
  await client.request("POST", `/api/v1/namespaces/${namespace}/pods/${name}/binding`, binding);
  await setPodStatus(client, spec, address, false);
}

/** Tells the API server whether the pod is ready, as a kubelet would: endpoints follow. */
export async function setPodStatus(client: KubernetesClient, spec: PodSpec, address: string, isReady: boolean): Promise<void> {
  const ready = isReady ? "True" : "False";
  // For a Deployment's controller a pod is only available with this time.
  const lastTransitionTime = new Date().toISOString();
  const conditions = [
    { type: "PodScheduled", status: "True", lastTransitionTime },
    { type: "Initialized", status: "True", lastTransitionTime },
    { type: "ContainersReady", status: ready, lastTransitionTime },
    { type: "Ready", status: ready, lastTransitionTime },
  ];
  await client.patch(podReference(spec), { status: { phase: "Running", podIP: address, podIPs: [{ ip: address }], conditions } }, "status");
}

/** Tells the API server that a pod has ended and will not be started again. */
export async function setPodEnded(client: KubernetesClient, spec: PodSpec, succeeded: boolean): Promise<void> {
  await client.patch(podReference(spec), { status: { phase: succeeded ? "Succeeded" : "Failed" } }, "status");
}

function podObject(spec: PodSpec): KubernetesObject {
  const { namespace, name, serviceAccount = name, subdomain } = spec;
  const dns = subdomain === undefined ? {} : { hostname: name, subdomain };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace, name, labels: podLabels(spec) },
    // No kubelet uses the image.
    spec: { nodeName: NODE_NAME, serviceAccountName: serviceAccount, containers: [{ name: "app", image: "lab" }], ...dns },
  };
}
