import { join } from "node:path";
import { allOf } from "../closers.ts";
import type { ControlPlane } from "../control-plane/control-plane.ts";
import type { Ground } from "../ground.ts";
import { writeKubeconfig } from "../kubernetes/kubeconfig.ts";
import { makeNetworkNamespace, type NetworkNamespace } from "../network/namespace.ts";
import { LabProcess, type ProcessSpec } from "../process.ts";
import { until } from "../until.ts";
import { startAgent } from "./agent.ts";
import { EnvoyAdmin } from "./envoy-admin.ts";
import { createPodObject, type PodSpec, podReference, setPodStatus } from "./pod-object.ts";
import type { ProxyPrograms } from "./proxy-programs.ts";
import { followReadiness, isReady } from "./readiness.ts";

/** What pods are made with. */
export interface PodGround {
  readonly ground: Ground;
  readonly controlPlane: ControlPlane;
  readonly programs: ProxyPrograms;
}

/** A process of a pod: its name is unique in the pod. */
export type ContainerSpec = Pick<ProcessSpec, "name" | "command" | "args" | "env" | "talk">;

/** A pod with its own Envoy, and whatever processes are started in it. */
export class Pod {
  readonly spec: PodSpec;
  /** Its Envoy. */
  readonly envoy: EnvoyAdmin;
  readonly #lab: PodGround;
  readonly #network: NetworkNamespace;
  readonly #processes: LabProcess[] = [];
  #stopFollowing: () => void = () => {};

  private constructor(lab: PodGround, spec: PodSpec, network: NetworkNamespace) {
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
  static async create(lab: PodGround, index: number, spec: PodSpec): Promise<Pod> {
    const { ground, controlPlane, programs } = lab;
    const { client } = controlPlane.apiServer;
    const { namespace, name, serviceAccount = name } = spec;
    const account = client.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { namespace, name: serviceAccount } });
    const search = [`${namespace}.svc.cluster.local`, "svc.cluster.local", "cluster.local"];
    const pod = `${name}.${namespace}`;
    const [network] = await allOf(makeNetworkNamespace({ ...ground, index, pod, search }), account);
    const made = new Pod(lab, spec, network);
    await createPodObject(client, spec, network.address);
    made.#processes.push(await startAgent({ ground, client, programs, network, spec }));
    return made;
  }

  get address(): string {
    return this.#network.address;
  }

  /** Its Envoy with the agent that started it. */
  get proxy(): LabProcess | undefined {
    return this.#processes[0];
  }

  /** Starts a process in the pod's network, as root. */
  async run(spec: ContainerSpec): Promise<LabProcess> {
    const [command, args] = this.#network.enter(spec.command, spec.args);
    const started = await LabProcess.start(
      { ...spec, name: `${this.spec.name}.${this.spec.namespace}.${spec.name}`, command, args },
      this.#lab.ground,
    );
    this.#processes.push(started);
    return started;
  }

  /** Tells the API server whether the pod is ready: endpoints follow, and with them other pods' Envoys. */
  setReady(isReady: boolean): Promise<void> {
    return setPodStatus(this.#lab.controlPlane.apiServer.client, this.spec, this.address, isReady);
  }

  /** Waits until the readiness probe says yes, makes the pod ready, and from then on whatever the probe says, as a kubelet does. */
  async followReadiness(): Promise<void> {
    const { ground } = this.#lab;
    const { namespace, name } = this.spec;
    const stillPossible = () => {
      for (const process of this.#processes) process.requireRunning();
    };
    await until(`${namespace}/${name} to be ready`, () => isReady(this.address), { signal: ground.signal, stillPossible });
    await this.setReady(true);
    const stop = followReadiness(this.address, (ready) => this.setReady(ready));
    this.#stopFollowing = stop;
    ground.closers.add(stop);
  }

  /** Writes a kubeconfig file with the rights of the pod's service account, in place of the token that a kubelet mounts. */
  async kubeconfig(): Promise<string> {
    const { ground, controlPlane } = this.#lab;
    const { client, connection } = controlPlane.apiServer;
    const { namespace, name, serviceAccount = name } = this.spec;
    const file = join(ground.run.path, `${name}.${namespace}.kubeconfig`);
    writeKubeconfig(file, { ...connection, token: await client.serviceAccountToken(namespace, serviceAccount) });
    return file;
  }

  /**
   * Ends the pod as a deletion does: out of the endpoints first, then its processes in reverse order, then the object.
   *
   * @param grace milliseconds that each process is given after its SIGTERM
   */
  async delete(grace = 10_000): Promise<void> {
    this.#stopFollowing();
    await this.setReady(false);
    for (const process of this.#processes.toReversed()) await process.stop(grace);
    await this.#lab.controlPlane.apiServer.client.delete(podReference(this.spec));
    await this.#network.remove();
  }
}
