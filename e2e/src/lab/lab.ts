import { DEFAULT_RELEASES, type Releases } from "../setup/releases.ts";
import type { LabContext } from "./context.ts";
import { type ControlPlane, startControlPlane } from "./control-plane/control-plane.ts";
import { Kubelet } from "./kubelet/kubelet.ts";
import type { KubernetesClient } from "./kubernetes/client.ts";
import { namespaceObject } from "./kubernetes/manifests.ts";
import type { KubernetesObject } from "./kubernetes/object.ts";
import { makeBridge } from "./network/bridge.ts";
import { Pod, type PodContext } from "./pod/pod.ts";
import type { PodSpec } from "./pod/pod-object.ts";
import { type ProxyPrograms, stageProxyPrograms } from "./pod/proxy-programs.ts";
import { startRun } from "./start-run.ts";
import { type UntilOptions, until } from "./until.ts";

/** A mesh on this machine: a control plane and pods. */
export class Lab {
  readonly controlPlane: ControlPlane;
  /** Runs the pods of Deployments and Jobs. */
  readonly kubelet: Kubelet;
  readonly #context: LabContext;
  readonly #programs: ProxyPrograms;
  readonly #close: () => Promise<void>;
  readonly #namespaces = new Set<string>();
  readonly #pods = new Set<Pod>();
  #podsMade = 0;

  private constructor(context: LabContext, controlPlane: ControlPlane, programs: ProxyPrograms, close: () => Promise<void>) {
    this.#close = close;
    this.#context = context;
    this.controlPlane = controlPlane;
    this.#programs = programs;
    this.kubelet = new Kubelet({ context, client: this.kubernetes, adopt: (spec) => Pod.adopt(this.#podContext, this.#nextPod(), spec) });
  }

  /**
   * Starts the control plane. If the start fails, everything that was made is removed; afterwards
   * {@link Lab.close} does this.
   *
   * @param signal ends every wait when it is aborted; the caller closes the lab then
   */
  static start(signal: AbortSignal, releases: Releases = DEFAULT_RELEASES): Promise<Lab> {
    return startRun(async ({ run, ledger, closers, close }) => {
      const bridge = await makeBridge(ledger, closers);
      const context = { bridge, run, logs: run.logs, ledger, closers, releases, signal };
      const programs = await stageProxyPrograms(run.stage, releases);
      return new Lab(context, await startControlPlane(context), programs, close);
    });
  }

  /** The API server, with every right. */
  get kubernetes(): KubernetesClient {
    return this.controlPlane.apiServer.client;
  }

  /** Folder of this run: logs, kubeconfig. */
  get folder(): string {
    return this.#context.run.path;
  }

  /** Name of the bridge; a pod's network namespace is `<network>-<pod>.<namespace>`. */
  get network(): string {
    return this.#context.bridge.name;
  }

  /** Releases of its control plane and its proxies. */
  get releases(): Releases {
    return this.#context.releases;
  }

  /** Aborted when the lab is to end. */
  get signal(): AbortSignal {
    return this.#context.signal;
  }

  /** Makes a namespace; {@link Lab.clear} removes it. */
  namespace(name: string, labels?: Readonly<Record<string, string>>): Promise<KubernetesObject> {
    this.#namespaces.add(name);
    return this.kubernetes.apply(namespaceObject(name, labels));
  }

  /**
   * Makes a pod with a ready proxy; the pod itself becomes ready by {@link Pod.setReady}, once its
   * processes are.
   */
  async pod(spec: PodSpec): Promise<Pod> {
    const pod = await Pod.create(this.#podContext, this.#nextPod(), spec);
    this.#pods.add(pod);
    return pod;
  }

  /**
   * Removes the pods and namespaces that were made through {@link Lab.pod} and
   * {@link Lab.namespace}, with all that is in them.
   */
  async clear(): Promise<void> {
    await Promise.all([...this.#pods].map((pod) => pod.delete(0)));
    this.#pods.clear();
    const references = [...this.#namespaces].map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
    this.#namespaces.clear();
    for (const reference of references) await this.kubernetes.delete(reference);
    for (const reference of references) {
      const isGone = async () => (await this.kubernetes.get(reference)) === undefined;
      await this.until(`namespace ${reference.metadata.name} to go`, isGone, { timeout: 240_000, interval: 100 });
    }
  }

  /** Waits for a condition of the mesh; ends with the lab. */
  until<T>(what: string, look: () => Promise<T | false | undefined> | T | false | undefined, options: UntilOptions = {}): Promise<T> {
    return until(what, look, { signal: this.signal, ...options });
  }

  /** Ends every process and removes everything that was made but the run's folder. */
  close(): Promise<void> {
    return this.#close();
  }

  get #podContext(): PodContext {
    return { context: this.#context, controlPlane: this.controlPlane, programs: this.#programs };
  }

  #nextPod(): number {
    this.#podsMade += 1;
    return this.#podsMade;
  }
}
