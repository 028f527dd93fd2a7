import { type ServicePort, serviceObject } from "../../lab/kubernetes/manifests.ts";
import type { Lab } from "../../lab/lab.ts";
import { App } from "../../lab/pod/app.ts";
import type { Pod } from "../../lab/pod/pod.ts";
import type { PodSpec } from "../../lab/pod/pod-object.ts";
import type { AppPorts } from "../../pod-app/protocol.ts";

/** A pod with the lab's application in it. */
export interface Workload {
  readonly pod: Pod;
  readonly app: App;
  /** Who its callees see, when it calls them directly. */
  readonly identity: string;
}

/** Port of Services, and of the application behind them, where a suite does not care. */
export const HTTP_PORT: ServicePort = { name: "http", port: 80, targetPort: 8_080 };

/**
 * Starts a pod with label `app: <name>` and the application in it, and makes it ready. Without
 * ports it only calls.
 */
export async function startWorkload(
  lab: Lab,
  namespace: string,
  name: string,
  ports: AppPorts = {},
  spec: Pick<PodSpec, "subdomain" | "proxy"> = {},
): Promise<Workload> {
  const pod = await lab.pod({ ...spec, namespace, name });
  const app = await App.start(pod, ports);
  await pod.setReady(true);
  return { pod, app, identity: `spiffe://cluster.local/ns/${namespace}/sa/${name}` };
}

/** Makes Services of these names, all in front of the pods with label `app: <app>`. */
export async function applyServices(
  lab: Lab,
  namespace: string,
  names: readonly string[],
  app: string,
  ports: readonly ServicePort[] = [HTTP_PORT],
): Promise<void> {
  await Promise.all(names.map((name) => lab.kubernetes.apply(serviceObject(namespace, name, ports, { selector: { app } }))));
}

/** `<prefix>1` to `<prefix><count>`. */
export function numbered(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
}
