import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TOOLS } from "./places.ts";

/** A cold edge: a caller that has not yet called a service. */
export interface Edge {
  readonly caller: number;
  readonly service: number;
}

/** Size of the mesh, and the loopback port of every service. */
export interface MeshSize {
  readonly callers: number;
  readonly services: number;
  readonly endpointPort: number;
}

/** A new folder with a mesh's manifests, as a directory store reads them. `remove` deletes it. */
export async function meshFolder(size: MeshSize): Promise<{ readonly path: string; remove(): Promise<void> }> {
  await mkdir(TOOLS, { recursive: true });
  const path = await mkdtemp(join(TOOLS, "bench-mesh-"));
  const { services, endpointSlices, fences } = meshObjects(size);
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "bench" } };
  // JSON is YAML, and needs no quoting rules.
  const manifests = [namespace, ...services, ...endpointSlices, ...fences].map((object) => JSON.stringify(object));
  await writeFile(join(path, "mesh.yaml"), manifests.join("\n---\n"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Namespace `bench`: its services, their endpoints, and the callers' fences. */
function meshObjects({ callers, services, endpointPort }: MeshSize) {
  return {
    services: Array.from({ length: services }, (_, at) => service(at, endpointPort)),
    endpointSlices: Array.from({ length: services }, (_, at) => endpointSlice(at, endpointPort)),
    fences: Array.from({ length: callers }, (_, at) => fence(at)),
  };
}

/** Every edge once, in an order in which the callers alternate. */
export function edges(callers: number, services: number): Edge[] {
  return Array.from({ length: callers * services }, (_, at) => ({ caller: at % callers, service: Math.floor(at / callers) }));
}

/** Name of a caller's fence in namespace `bench`. */
export function fenceName(caller: number): string {
  return `caller-${caller}`;
}

/** The host by which a service is called, without its port, which is 80. */
export function hostOf(service: number): string {
  return `${serviceName(service)}.bench.svc.cluster.local`;
}

function service(at: number, targetPort: number) {
  const clusterIP = `10.78.${Math.floor(at / 250)}.${(at % 250) + 1}`;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: serviceName(at), namespace: "bench" },
    spec: { clusterIP, ports: [{ name: "http", port: 80, targetPort }] },
  };
}

function endpointSlice(at: number, port: number) {
  const name = serviceName(at);
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-1`, namespace: "bench", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: "http", port, protocol: "TCP" }],
    endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
  };
}

function fence(at: number) {
  const name = fenceName(at);
  return {
    apiVersion: "microservice.slime.io/v1alpha1",
    kind: "ServiceFence",
    metadata: { name, namespace: "bench" },
    spec: { enable: true, workloadSelector: { labels: { app: name } } },
  };
}

function serviceName(at: number): string {
  return `service-${String(at).padStart(3, "0")}`;
}
