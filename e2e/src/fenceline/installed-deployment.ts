import type { KubernetesObject, ObjectReference } from "../lab/kubernetes/object.ts";
import type { Lab } from "../lab/lab.ts";

/** Milliseconds until pods are ready or gone. Draining takes a while. */
const TIMEOUT = 120_000;

/** A Deployment of Fenceline's, whose pods have the label `app: <name>`. */
export class InstalledDeployment {
  readonly #lab: Lab;
  readonly #reference: ObjectReference;

  constructor(lab: Lab, namespace: string, name: string) {
    this.#lab = lab;
    this.#reference = { apiVersion: "apps/v1", kind: "Deployment", metadata: { namespace, name } };
  }

  /** Sets the number of pods. Returns when these are ready, and the others are gone. */
  async scale(replicas: number): Promise<void> {
    await this.#lab.kubernetes.patch(this.#reference, { spec: { replicas } }, "scale");
    await this.#settled(replicas, []);
  }

  /**
   * Replaces every pod, as `kubectl rollout restart` does. Returns when the new ones are ready, and
   * the old ones are gone.
   */
  async roll(): Promise<void> {
    const { spec } = (await this.#lab.kubernetes.get(this.#reference)) as KubernetesObject & { spec: { replicas: number } };
    const old = (await this.#pods()).map(({ metadata }) => metadata.name);
    const annotations = { "kubectl.kubernetes.io/restartedAt": new Date().toISOString() };
    await this.#lab.kubernetes.patch(this.#reference, { spec: { template: { metadata: { annotations } } } });
    await this.#settled(spec.replicas, old);
  }

  async #settled(replicas: number, old: readonly string[]): Promise<void> {
    const { name } = this.#reference.metadata;
    const isSettled = async () => {
      const pods = await this.#pods();
      return pods.length === replicas && pods.every((pod) => isReady(pod) && !old.includes(pod.metadata.name));
    };
    await this.#lab.until(`${replicas} pods of ${name}`, isSettled, { timeout: TIMEOUT, interval: 100 });
  }

  async #pods(): Promise<readonly KubernetesObject[]> {
    const { namespace, name } = this.#reference.metadata;
    const pods = await this.#lab.kubernetes.list("v1", "Pod", namespace);
    return pods.filter(({ metadata }) => metadata.labels?.app === name);
  }
}

function isReady({ status }: KubernetesObject): boolean {
  const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; status: string }[] };
  return conditions.some((condition) => condition.type === "Ready" && condition.status === "True");
}
