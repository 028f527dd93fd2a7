import { Config } from "@fenceline/api";
import type { KubernetesObject } from "../lab/kubernetes/client.ts";
import { serviceObject } from "../lab/kubernetes/manifests.ts";
import type { Lab } from "../lab/lab.ts";
import type { Pod } from "../lab/pod/pod.ts";
import { type Component, components, PORTS } from "./containers.ts";

/** Fenceline's pods in a lab. */
export interface FencelineParts {
  readonly globalSidecar: Pod;
  readonly collector: Pod;
}

const CONFIG = Config.parse({});

/** Runs Fenceline in the lab, in its default namespace. Returns when both parts are ready. */
export async function installFenceline(lab: Lab): Promise<FencelineParts> {
  const { namespace, fallback, collector } = CONFIG;
  await lab.namespace(namespace);
  const proxyPorts = [{ name: "http", port: fallback.port, targetPort: PORTS.proxy }];
  const collectorPorts = [
    { name: "grpc-access-logs", port: collector.port, targetPort: PORTS.accessLogs },
    { name: "http-api", port: PORTS.api },
  ];
  const objects = [
    serviceObject(namespace, fallback.service, proxyPorts),
    serviceObject(namespace, collector.service, collectorPorts),
    everyRight(namespace, collector.service),
  ];
  for (const object of objects) await lab.kubernetes.apply(object);
  const { globalSidecar, collector: daemon } = components(CONFIG);
  return {
    collector: await startComponent(lab, collector.service, daemon),
    globalSidecar: await startComponent(lab, fallback.service, globalSidecar),
  };
}

/** Starts one pod of a component; its Service takes it by the label `app`. */
export async function startComponent(lab: Lab, name: string, { container, readinessProbe }: Component): Promise<Pod> {
  const pod = await lab.pod({ namespace: CONFIG.namespace, name, readinessProbe });
  await pod.run({ ...container, env: { KUBECONFIG: await pod.kubeconfig(), POD_NAME: name } });
  await pod.followReadiness();
  return pod;
}

/** Until the chart brings least privilege. */
function everyRight(namespace: string, serviceAccount: string): KubernetesObject {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "fenceline-in-the-lab" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ kind: "ServiceAccount", name: serviceAccount, namespace }],
  };
}
