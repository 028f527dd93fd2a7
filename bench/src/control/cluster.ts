import { randomInt } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { ServerContext } from "@fenceline/e2e/lab/context.ts";
import { startApiServer } from "@fenceline/e2e/lab/control-plane/api-server.ts";
import { startEtcd } from "@fenceline/e2e/lab/control-plane/etcd.ts";
import type { KubernetesClient } from "@fenceline/e2e/lab/kubernetes/client.ts";
import { definitionsIn, installDefinitions, installIstioKinds } from "@fenceline/e2e/lab/kubernetes/custom-resources.ts";
import { writeKubeconfig } from "@fenceline/e2e/lab/kubernetes/kubeconfig.ts";
import { namespaceObject } from "@fenceline/e2e/lab/kubernetes/manifests.ts";
import type { KubernetesObject } from "@fenceline/e2e/lab/kubernetes/object.ts";
import type { LabProcess } from "@fenceline/e2e/lab/process.ts";
import { startRun } from "@fenceline/e2e/lab/start-run.ts";
import { BENCH } from "../places.ts";

/** Namespace of Fenceline. */
export const NAMESPACE = "fenceline";
const ACCOUNT = "fenceline-collector";
const CRDS = join(BENCH, "..", "charts", "fenceline", "crds");
const RANGE = "10.96.0.0/12";

/** A kube-apiserver and an etcd on loopback, with the kinds of Istio and of Fenceline. */
export interface Cluster {
  readonly context: ServerContext;
  readonly client: KubernetesClient;
  readonly apiServer: LabProcess;
  readonly etcd: LabProcess;
  readonly etcdUrl: string;
  /**
   * Kubeconfig of the collector's service account. It has every right, so RBAC is not measured.
   * Priority and fairness of the API server treat it like any other service account.
   */
  readonly kubeconfig: string;
  close(): Promise<void>;
}

/** Starts one. If the start fails, everything that was made is removed. */
export function startCluster(signal: AbortSignal): Promise<Cluster> {
  return startRun(async ({ run, ledger, closers, close }) => {
    // Its own address, so that ports of another run or of a lab do not conflict.
    const bridge = { address: `127.77.${randomInt(256)}.${1 + randomInt(254)}`, serviceRange: RANGE };
    const context = { bridge, run, logs: run.logs, ledger, closers, signal };
    const { process: etcd, url: etcdUrl } = await startEtcd(context);
    const { process: apiServer, client, connection } = await startApiServer(context, etcdUrl);
    const waiting = { signal, stillPossible: () => apiServer.requireRunning() };
    await installIstioKinds(client, waiting);
    await installDefinitions(client, await ownDefinitions(), waiting);
    const kubeconfig = join(run.path, "collector.kubeconfig");
    writeKubeconfig(kubeconfig, { ...connection, token: await collectorToken(client) });
    return { context, client, apiServer, etcd, etcdUrl, kubeconfig, close };
  });
}

async function ownDefinitions(): Promise<KubernetesObject[]> {
  const files = await readdir(CRDS);
  return (await Promise.all(files.map((file) => definitionsIn(join(CRDS, file))))).flat();
}

async function collectorToken(client: KubernetesClient): Promise<string> {
  await client.apply(namespaceObject(NAMESPACE));
  await client.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { namespace: NAMESPACE, name: ACCOUNT } });
  await client.apply({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: ACCOUNT },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ kind: "ServiceAccount", namespace: NAMESPACE, name: ACCOUNT }],
  });
  return client.serviceAccountToken(NAMESPACE, ACCOUNT);
}
