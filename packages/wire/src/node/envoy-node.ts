/**
 * An Envoy, and through its metadata the workload that it stands beside: `Node` of
 * envoy.config.core.v3, as far as Fenceline reads it. Every text is empty when absent.
 */
export interface EnvoyNode {
  readonly id: string;
  readonly cluster: string;
  /** Istio metadata `NAMESPACE`. */
  readonly namespace: string;
  /** Istio metadata `LABELS`: the pod's labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** Istio metadata `ISTIO_VERSION`. */
  readonly istioVersion: string;
  /** Istio metadata `SERVICE_ACCOUNT`. */
  readonly serviceAccount: string;
  /** Istio metadata `WORKLOAD_NAME`. */
  readonly workloadName: string;
}
