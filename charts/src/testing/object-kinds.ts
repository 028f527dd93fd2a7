/** The kinds that the chart renders, reduced to what its tests read. */
import type { ChartObject } from "./chart-objects.ts";

type Labels = Readonly<Record<string, string>>;

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly securityContext: unknown;
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
}

export interface PodTemplate {
  readonly metadata: { readonly labels: Labels; readonly annotations: Labels };
  readonly spec: {
    readonly serviceAccountName: string;
    readonly automountServiceAccountToken: boolean;
    readonly terminationGracePeriodSeconds?: number;
    readonly securityContext: unknown;
    readonly hostNetwork?: boolean;
    readonly hostPID?: boolean;
    readonly hostIPC?: boolean;
    readonly containers: readonly Container[];
    readonly volumes?: readonly {
      readonly name: string;
      readonly hostPath?: unknown;
      readonly projected?: { readonly sources: readonly { readonly serviceAccountToken?: { readonly audience?: string } }[] };
    }[];
  };
}

export interface Deployment extends ChartObject {
  readonly spec: { readonly selector: { readonly matchLabels: Labels }; readonly template: PodTemplate };
}

export interface Service extends ChartObject {
  readonly spec: {
    readonly selector: Labels;
    readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort: number | string }[];
  };
}

export interface DisruptionBudget extends ChartObject {
  readonly spec: { readonly selector: { readonly matchLabels: Labels } };
}

export interface NetworkPolicy extends ChartObject {
  readonly spec: {
    readonly podSelector: { readonly matchLabels: Labels };
    readonly ingress: readonly { readonly from: readonly unknown[]; readonly ports: readonly unknown[] }[];
  };
}

export interface Role extends ChartObject {
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

export interface RoleBinding extends ChartObject {
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects: readonly { readonly kind: string; readonly name: string; readonly namespace: string }[];
}

export interface ConfigMap extends ChartObject {
  readonly data: Readonly<Record<string, string>>;
}

export interface PeerAuthentication extends ChartObject {
  readonly spec: { readonly selector: { readonly matchLabels: Labels }; readonly mtls: unknown };
}

export interface AuthorizationPolicy extends ChartObject {
  readonly spec: {
    readonly selector: { readonly matchLabels: Labels };
    readonly action: string;
    readonly rules: readonly {
      readonly from: readonly {
        readonly source: { readonly namespaces?: readonly string[]; readonly notPrincipals?: readonly string[] };
      }[];
      readonly to: readonly { readonly operation: { readonly ports: readonly string[] } }[];
    }[];
  };
}

export interface EnvoyFilter extends ChartObject {
  readonly spec: {
    readonly workloadSelector: { readonly labels: Labels };
    readonly configPatches: readonly {
      readonly applyTo: string;
      readonly match: { readonly cluster: { readonly portNumber: number } };
      readonly patch: { readonly value: unknown };
    }[];
  };
}

export interface Autoscaler extends ChartObject {
  readonly spec: {
    readonly metrics: readonly {
      readonly type: string;
      readonly containerResource: { readonly name: string; readonly container: string };
    }[];
  };
}
