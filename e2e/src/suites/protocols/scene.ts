import type { Fenceline } from "../../fenceline/install.ts";
import type { ServicePort } from "../../lab/kubernetes/manifests.ts";
import type { Lab } from "../../lab/lab.ts";
import { applyFence, untilFenced } from "../mesh/fence.ts";
import { hasRoutes, untilMeshKnows } from "../mesh/routes.ts";
import { applyServices, HTTP_PORT, numbered, startWorkload, type Workload } from "../mesh/workload.ts";

const NAMESPACE = "protocols";

/**
 * The forms in which a Service says that its port speaks HTTP/2. Each has a port of the pod's own:
 * Istio takes that for what one of its Services says.
 */
const GRPC_PORTS: readonly (ServicePort & { readonly targetPort: number })[] = [
  { name: "grpc", port: 50_051, targetPort: 9_090 },
  { name: "http2-api", port: 8_090, targetPort: 9_091 },
  { name: "api", appProtocol: "kubernetes.io/h2c", port: 8_091, targetPort: 9_092 },
];

/** Enough for every step: each uses up its own. */
const GRPC_HOSTS = 90;
const HTTP_HOSTS = 30;

/** A caller, and a callee with many names. */
export interface Scene {
  readonly lab: Lab;
  readonly fenceline: Fenceline;
  readonly caller: Workload;
  /** A `<host>:<port>` for gRPC that was not called before. The ports take turns. */
  coldTarget(): string;
  /** A host for HTTP on port 80 that was not called before. */
  coldHost(): string;
}

/** Starts it, without a fence. Returns when the mesh knows every name. */
export async function startScene(lab: Lab, fenceline: Fenceline): Promise<Scene> {
  await lab.namespace(NAMESPACE);
  const grpc = numbered("g", GRPC_HOSTS).map((name, index) => ({ name, port: GRPC_PORTS[index % GRPC_PORTS.length] ?? HTTP_PORT }));
  const http = numbered("h", HTTP_HOSTS);
  for (const port of GRPC_PORTS) {
    const names = grpc.filter((host) => host.port === port).map(({ name }) => name);
    await applyServices(lab, NAMESPACE, names, "b", [port]);
  }
  await applyServices(lab, NAMESPACE, http, "b");
  await startWorkload(lab, NAMESPACE, "b", { http: [8_080], grpc: GRPC_PORTS.map(({ targetPort }) => targetPort) });
  const caller = await startWorkload(lab, NAMESPACE, "a");
  const qualified = [...grpc.map(({ name }) => name), ...http].map((name) => `${name}.${NAMESPACE}.svc.cluster.local`);
  await untilMeshKnows(lab, fenceline, qualified);
  await lab.until("the caller to know every name", () => hasRoutes(caller.pod, qualified));
  const targets = grpc.map(({ name, port }) => `${name}.${NAMESPACE}:${port.port}`);
  const hosts = http.map((name) => `${name}.${NAMESPACE}`);
  return { lab, fenceline, caller, coldTarget: () => take(targets), coldHost: () => take(hosts) };
}

/** Fences the caller. Returns when the fence is in force on every port. */
export async function fenceCaller({ lab, caller }: Scene): Promise<void> {
  await applyFence(lab, NAMESPACE, "a");
  await untilFenced(lab, caller, [80, ...GRPC_PORTS.map(({ port }) => port)]);
}

function take(names: string[]): string {
  const name = names.shift();
  if (name === undefined) throw new Error("the scene has too few hosts");
  return name;
}
