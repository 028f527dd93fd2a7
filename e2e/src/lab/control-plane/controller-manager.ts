import { labProgram } from "../../places.ts";
import type { LabContext } from "../context.ts";
import { LabProcess } from "../process.ts";
import type { ApiServer } from "./api-server.ts";

/**
 * The controllers of Kubernetes that a mesh and a chart need: endpoints, deletion of owned objects
 * and namespaces, service accounts, pods.
 */
const CONTROLLERS = [
  "endpoint",
  "endpointslice",
  "garbagecollector",
  "namespace",
  "serviceaccount",
  "serviceaccount-token",
  "deployment",
  "replicaset",
  "job",
].join(",");

/** Starts the controllers. They run once a namespace gets its default service account. */
export function startControllerManager(context: LabContext, apiServer: ApiServer): Promise<LabProcess> {
  return LabProcess.start(
    {
      name: "kube-controller-manager",
      command: labProgram("kube-controller-manager"),
      args: [
        `--kubeconfig=${apiServer.kubeconfig}`,
        `--controllers=${CONTROLLERS}`,
        "--leader-elect=false",
        "--secure-port=0",
        `--service-account-private-key-file=${apiServer.serviceAccountKey}`,
        `--root-ca-file=${apiServer.certificates}`,
        // The default of 20 requests a second is too low: suites create thousands of Services at
        // once.
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
      ],
    },
    context,
  );
}
