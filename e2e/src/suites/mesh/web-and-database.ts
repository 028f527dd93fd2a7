import { peerAuthentication, serviceObject } from "../../lab/kubernetes/manifests.ts";
import type { Lab } from "../../lab/lab.ts";
import { applyServices, startWorkload, type Workload } from "./workload.ts";

/** Name of the TCP service. */
export const DB = "db";
/** Its port, and that of its pod. */
export const DB_PORT = 9_000;

/** A caller, and what it calls. */
export interface WebAndDatabase {
  readonly caller: Workload;
  /** Of the TCP service. */
  readonly address: string;
}

/**
 * Starts a caller `a`, and a callee behind web services of these names and a TCP service. Calls
 * that the caller's Envoy has no cluster for are answered anyway: by way of the fallback, or in
 * plain text by way of Istio's passthrough and a rule as kube-proxy makes it.
 */
export async function startWebAndDatabase(lab: Lab, namespace: string, webs: readonly string[]): Promise<WebAndDatabase> {
  await lab.namespace(namespace);
  await lab.kubernetes.apply(peerAuthentication(namespace, "PERMISSIVE"));
  await applyServices(lab, namespace, webs, "b");
  const service = serviceObject(namespace, DB, [{ name: "tcp", port: DB_PORT }], { selector: { app: "b" } });
  const { spec } = (await lab.kubernetes.apply(service)) as { spec?: { clusterIP?: string } };
  const address = spec?.clusterIP ?? "";
  const callee = await startWorkload(lab, namespace, "b", { http: [8_080], echo: [DB_PORT] });
  const caller = await startWorkload(lab, namespace, "a");
  await caller.pod.serveClusterIP({ address, port: DB_PORT }, { address: callee.pod.address, port: DB_PORT });
  return { caller, address };
}
