import { Config } from "@fenceline/api";
import type { RunningPod } from "../lab/kubelet/running-pod.ts";
import type { Lab } from "../lab/lab.ts";
import { CHART, helm } from "./helm.ts";
import { InstalledDeployment } from "./installed-deployment.ts";

/** Values of the chart, as with `--set-json`. */
export type Values = Readonly<Record<string, unknown>>;

const RELEASE = "fenceline";
const { namespace, fallback, collector } = Config.parse({});

/** Where it is installed. */
export const NAMESPACE: string = namespace;

/** Values for one machine: there is no metrics server for an autoscaler, and no image is pulled. */
const LAB_VALUES: Values = {
  image: { repository: "fenceline" },
  globalSidecar: { autoscaling: { enabled: false }, replicas: 1 },
  collector: { replicas: 2 },
};

/** The caller's identity in a call through the fallback. */
export const FALLBACK_IDENTITY: string = `spiffe://cluster.local/ns/${NAMESPACE}/sa/${fallback.service}`;

/** Fenceline in a lab, as Helm installed it from the chart. */
export class Fenceline {
  readonly #lab: Lab;

  private constructor(lab: Lab) {
    this.#lab = lab;
  }

  /**
   * Installs the chart, or changes the existing release. Returns when its Deployments are
   * available.
   */
  static async install(lab: Lab, values: Values = {}): Promise<Fenceline> {
    const set = Object.entries({ ...LAB_VALUES, ...values }).map(([name, value]) => `--set-json=${name}=${JSON.stringify(value)}`);
    const options = ["--install", "--create-namespace", "--reset-values", "--wait", "--timeout=180s", ...set];
    await helm(lab.controlPlane.apiServer.kubeconfig, "upgrade", RELEASE, CHART, `--namespace=${NAMESPACE}`, ...options);
    return new Fenceline(lab);
  }

  /**
   * Uninstalls the release, including its pre-delete hook; does nothing when there is none. Returns
   * when its objects are gone.
   */
  static async uninstall(lab: Lab): Promise<void> {
    const options = [`--namespace=${NAMESPACE}`, "--ignore-not-found", "--wait", "--timeout=180s"];
    await helm(lab.controlPlane.apiServer.kubeconfig, "uninstall", RELEASE, ...options);
  }

  /** Pods of the global sidecar. */
  get globalSidecars(): readonly RunningPod[] {
    return this.#lab.kubelet.pods(NAMESPACE, { app: fallback.service });
  }

  /** Pods of the collector. */
  get collectors(): readonly RunningPod[] {
    return this.#lab.kubelet.pods(NAMESPACE, { app: collector.service });
  }

  /**
   * The holder of the Lease, a name that is new with every start of a collector; undefined while
   * there is none.
   */
  async leaderIdentity(): Promise<string | undefined> {
    const reference = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { namespace: NAMESPACE, name: collector.service } };
    const { spec } = ((await this.#lab.kubernetes.get(reference)) ?? {}) as { spec?: { holderIdentity?: string } };
    return spec?.holderIdentity || undefined;
  }

  /** The collector that holds the Lease; undefined while none does. */
  async leader(): Promise<RunningPod | undefined> {
    const identity = await this.leaderIdentity();
    return this.collectors.find(({ object }) => identity?.startsWith(`${object.metadata.name}_`));
  }

  /** Its two Deployments, for a suite that scales or rolls them. */
  deployment(part: "collector" | "global sidecar"): InstalledDeployment {
    return new InstalledDeployment(this.#lab, NAMESPACE, part === "collector" ? collector.service : fallback.service);
  }
}
