import { Config } from "@fenceline/api";
import type { RunningPod } from "../lab/kubelet/running-pod.ts";
import type { Lab } from "../lab/lab.ts";
import { CHART, helm } from "./helm.ts";

/** Values of the chart, as with `--set-json`. */
export type Values = Readonly<Record<string, unknown>>;

const RELEASE = "fenceline";
const { namespace: NAMESPACE, fallback, collector } = Config.parse({});

/** For one machine: no metrics server feeds an autoscaler here. */
const LAB_VALUES: Values = { globalSidecar: { autoscaling: { enabled: false }, replicas: 1 }, collector: { replicas: 2 } };

/** Who calls, when a call comes by way of the fallback. */
export const FALLBACK_IDENTITY: string = `spiffe://cluster.local/ns/${NAMESPACE}/sa/${fallback.service}`;

/** Fenceline in a lab, as Helm installed it from the chart. */
export class Fenceline {
  readonly #lab: Lab;

  private constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** Installs the chart, or changes the release that is there. Returns when its Deployments are available. */
  static async install(lab: Lab, values: Values = {}): Promise<Fenceline> {
    const set = Object.entries({ ...LAB_VALUES, ...values }).map(([name, value]) => `--set-json=${name}=${JSON.stringify(value)}`);
    const options = ["--install", "--create-namespace", "--reset-values", "--wait", "--timeout=180s", ...set];
    await helm(lab.controlPlane.apiServer.kubeconfig, "upgrade", RELEASE, CHART, `--namespace=${NAMESPACE}`, ...options);
    return new Fenceline(lab);
  }

  /** Uninstalls the release, by way of its pre-delete hook. */
  async uninstall(): Promise<void> {
    const options = [`--namespace=${NAMESPACE}`, "--wait", "--timeout=180s"];
    await helm(this.#lab.controlPlane.apiServer.kubeconfig, "uninstall", RELEASE, ...options);
  }

  /** Pods of the global sidecar. */
  get globalSidecars(): readonly RunningPod[] {
    return this.#lab.kubelet.pods(NAMESPACE, { app: fallback.service });
  }

  /** Pods of the collector. */
  get collectors(): readonly RunningPod[] {
    return this.#lab.kubelet.pods(NAMESPACE, { app: collector.service });
  }

  /** The collector that holds the Lease; undefined while none does. */
  async leader(): Promise<RunningPod | undefined> {
    const reference = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { namespace: NAMESPACE, name: collector.service } };
    const { spec } = ((await this.#lab.kubernetes.get(reference)) ?? {}) as { spec?: { holderIdentity?: string } };
    return this.collectors.find(({ object }) => spec?.holderIdentity?.startsWith(`${object.metadata.name}_`));
  }
}
