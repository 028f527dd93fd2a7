import { join } from "node:path";
import { runCommand } from "../../setup/command.ts";
import type { LabContext } from "../context.ts";
import type { ControlPlane } from "../control-plane/control-plane.ts";
import { writeKubeconfig } from "../kubernetes/kubeconfig.ts";
import { makeNetworkNamespace, type NetworkNamespace } from "../network/namespace.ts";
import { serviceRule } from "../network/redirect.ts";
import { LabProcess, type ProcessSpec } from "../process.ts";
import { startAgent } from "./agent.ts";
import { EnvoyAdmin } from "./envoy-admin.ts";
import { createPodObject, type PodSpec, podReference, setPodEnded, setPodStatus, takePodObject } from "./pod-object.ts";
import type { ProxyPrograms } from "./proxy-programs.ts";

/** What a pod needs. */
export interface PodContext {
  readonly context: LabContext;
  readonly controlPlane: ControlPlane;
  readonly programs: ProxyPrograms;
}

/** A process of a pod: its name is unique in the pod. */
export type ContainerSpec = Pick<ProcessSpec, "name" | "command" | "args" | "env" | "cwd" | "talk">;

/** A pod with its own Envoy, and the processes that are started in it. */
export class Pod {
  readonly spec: PodSpec;
  /** Its Envoy. */
  readonly envoy: EnvoyAdmin;
  readonly #lab: PodContext;
  readonly #network: NetworkNamespace;
  readonly #processes: LabProcess[] = [];
  #deletion: Promise<void> | undefined;

  private constructor(lab: PodContext, spec: PodSpec, network: NetworkNamespace) {
    this.#lab = lab;
    this.spec = spec;
    this.#network = network;
    this.envoy = new EnvoyAdmin(network.address);
  }

  /**
   * Makes a pod whose proxy is ready; the pod itself is not until {@link Pod.setReady}.
   *
   * @param index number of the pod in its lab, from 1
   */
  static async create(lab: PodContext, index: number, spec: PodSpec): Promise<Pod> {
    const { client } = lab.controlPlane.apiServer;
    const { namespace, name, serviceAccount = name } = spec;
    await client.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { namespace, name: serviceAccount } });
    return Pod.#start(lab, index, spec, createPodObject);
  }

  /** The same for a Pod object that somebody else made, for example a Deployment's controller. */
  static adopt(lab: PodContext, index: number, spec: PodSpec): Promise<Pod> {
    return Pod.#start(lab, index, spec, takePodObject);
  }

  static async #start(lab: PodContext, index: number, spec: PodSpec, object: typeof createPodObject): Promise<Pod> {
    const { context, controlPlane, programs } = lab;
    const { client } = controlPlane.apiServer;
    const { namespace, name } = spec;
    const search = [`${namespace}.svc.cluster.local`, "svc.cluster.local", "cluster.local"];
    const hasProxy = spec.proxy !== false;
    const network = await makeNetworkNamespace({ ...context, index, pod: `${name}.${namespace}`, search, redirect: hasProxy });
    const made = new Pod(lab, spec, network);
    await object(client, spec, network.address);
    if (hasProxy) made.#processes.push(await startAgent({ context, client, programs, network, spec }));
    return made;
  }

  get address(): string {
    return this.#network.address;
  }

  /** Starts a process in the pod's network, as root. */
  async run(spec: ContainerSpec): Promise<LabProcess> {
    const [command, args] = this.#network.enter(spec.command, spec.args);
    const started = await LabProcess.start(
      { ...spec, name: `${this.spec.name}.${this.spec.namespace}.${spec.name}`, command, args },
      this.#lab.context,
    );
    this.#processes.push(started);
    return started;
  }

  /**
   * Makes a ClusterIP work for the pod's Envoy where this does not know the Service, as kube-proxy
   * would. The lab has no kube-proxy: otherwise calls through Istio's passthrough would hang
   * instead of being answered, or refused, by the other pod's Envoy.
   */
  async serveClusterIP(service: { readonly address: string; readonly port: number }, pod: typeof service): Promise<void> {
    const [command, args] = this.#network.enter("iptables", serviceRule(service, pod));
    await runCommand(command, args);
  }

  /**
   * Tells the API server whether the pod is ready: endpoints follow, and with them other pods'
   * Envoys.
   */
  setReady(isReady: boolean): Promise<void> {
    return setPodStatus(this.#lab.controlPlane.apiServer.client, this.spec, this.address, isReady);
  }

  /** Tells the API server that the pod's work is done. */
  setEnded(succeeded: boolean): Promise<void> {
    return setPodEnded(this.#lab.controlPlane.apiServer.client, this.spec, succeeded);
  }

  /**
   * Writes a kubeconfig file with the rights of the pod's service account, instead of the token
   * that a kubelet mounts.
   */
  async kubeconfig(): Promise<string> {
    const { context, controlPlane } = this.#lab;
    const { client, connection } = controlPlane.apiServer;
    const { namespace, name, serviceAccount = name } = this.spec;
    const file = join(context.run.path, `${name}.${namespace}.kubeconfig`);
    writeKubeconfig(file, { ...connection, token: await client.serviceAccountToken(namespace, serviceAccount) });
    return file;
  }

  /**
   * Ends the pod like a deletion: first it is removed from the endpoints, then all of its processes
   * end at once, then the object is deleted. It happens once: later the object may be of another
   * pod with the same name.
   *
   * @param grace milliseconds for the processes after SIGTERM
   */
  delete(grace = 10_000): Promise<void> {
    this.#deletion ??= this.#delete(grace);
    return this.#deletion;
  }

  async #delete(grace: number): Promise<void> {
    const { client } = this.#lab.controlPlane.apiServer;
    // One that was deleted by force has no object any more.
    if ((await client.get(podReference(this.spec))) !== undefined) await this.setReady(false);
    await Promise.all(this.#processes.map((process) => process.stop(grace)));
    await client.delete(podReference(this.spec));
    await this.#network.remove();
  }
}
