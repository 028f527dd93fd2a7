import { randomUUID } from "node:crypto";
import type { KubernetesObject } from "@fenceline/e2e/lab/kubernetes/object.ts";
import type { Cluster } from "./cluster.ts";
import type { BenchMesh } from "./mesh.ts";

/** Where the API server stores a kind. */
const PREFIXES: Readonly<Record<string, string>> = {
  Namespace: "namespaces",
  ConfigMap: "configmaps",
  IPAddress: "ipaddresses",
  Service: "services/specs",
  EndpointSlice: "endpointslices",
  ServiceFence: "microservice.slime.io/servicefences",
};
/**
 * Objects in one transaction. Of etcd's limits, 128 operations and 1.5 MiB, the second one applies.
 */
const BATCH = 40;

/**
 * Writes a mesh directly into the API server's database, which takes seconds: for each new Service
 * the API server would count all addresses, and 10,000 Services took a quarter of an hour.
 */
export async function fill({ etcdUrl, client, context }: Cluster, mesh: BenchMesh): Promise<void> {
  const now = new Date();
  for (const objects of mesh.objects(now)) {
    for (let at = 0; at < objects.length; at += BATCH) await put(etcdUrl, objects.slice(at, at + BATCH), now, context.signal);
  }
  const { items } = (await client.request("GET", "/api/v1/services")) as { items: unknown[] };
  if (items.length < mesh.size.services) throw new Error(`the API server knows ${items.length} of ${mesh.size.services} Services`);
}

async function put(etcdUrl: string, objects: readonly KubernetesObject[], now: Date, signal: AbortSignal): Promise<void> {
  const success = objects.map((object) => ({
    requestPut: { key: base64(keyOf(object)), value: base64(JSON.stringify(stored(object, now))) },
  }));
  const response = await fetch(`${etcdUrl}/v3/kv/txn`, { method: "POST", body: JSON.stringify({ success }), signal });
  if (!response.ok) throw new Error(`etcd answered ${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
}

function keyOf({ kind, metadata: { namespace, name } }: KubernetesObject): string {
  const prefix = PREFIXES[kind];
  if (prefix === undefined) throw new Error(`where is a ${kind} kept?`);
  return ["/registry", prefix, ...(namespace === undefined ? [] : [namespace]), name].join("/");
}

function stored(object: KubernetesObject, now: Date): object {
  const creationTimestamp = `${now.toISOString().slice(0, 19)}Z`;
  return { ...object, metadata: { ...object.metadata, uid: randomUUID(), creationTimestamp, generation: 1 } };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
