import { allOf } from "../closers.ts";
import type { LabContext } from "../context.ts";
import { installIstioKinds } from "../kubernetes/custom-resources.ts";
import type { LabProcess } from "../process.ts";
import { type ApiServer, startApiServer } from "./api-server.ts";
import { startControllerManager } from "./controller-manager.ts";
import { startCoreDns } from "./core-dns.ts";
import { startEtcd } from "./etcd.ts";
import { startIstiod } from "./istiod.ts";

/**
 * A running control plane. Its processes may be killed and started again, as in a suite on outages.
 * They are killed, not stopped: the API server waits long for its watchers to disconnect.
 */
export interface ControlPlane {
  readonly apiServer: ApiServer;
  readonly etcd: LabProcess;
  readonly controllerManager: LabProcess;
  readonly coreDns: LabProcess;
  readonly istiod: LabProcess;
}

/** Pods are bound to it; nothing runs on it. */
export const NODE_NAME = "lab";

/** Starts everything, each part as soon as its dependencies run. */
export async function startControlPlane(context: LabContext): Promise<ControlPlane> {
  const { process: etcd, url } = await startEtcd(context);
  const apiServer = await startApiServer(context, url);
  const [controllerManager, coreDns, istiod] = await allOf(
    startControllerManager(context, apiServer),
    startCoreDns(context, apiServer),
    startMesh(context, apiServer),
  );
  return { apiServer, etcd, controllerManager, coreDns, istiod };
}

/**
 * istiod starts after its kinds are installed: otherwise it would run without some of them for a
 * while.
 */
async function startMesh(context: LabContext, apiServer: ApiServer): Promise<LabProcess> {
  const { client, process } = apiServer;
  await client.apply({ apiVersion: "v1", kind: "Node", metadata: { name: NODE_NAME } });
  const waiting = { signal: context.signal, stillPossible: () => process.requireRunning() };
  await installIstioKinds(client, waiting, context.releases.istio);
  return startIstiod(context, apiServer);
}
