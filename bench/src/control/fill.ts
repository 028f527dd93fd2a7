import type { KubernetesClient } from "../../../e2e/src/lab/kubernetes/client.ts";
import type { KubernetesObject } from "../../../e2e/src/lab/kubernetes/object.ts";
import type { BenchMesh } from "./mesh.ts";

/** As many as the client has connections. */
const AT_ONCE = 16;

/** Creates a mesh's objects, and gives the fences the statuses of a collector that ran before. */
export async function fill(client: KubernetesClient, mesh: BenchMesh): Promise<void> {
  for (const objects of mesh.objects()) await each(objects, (object) => create(client, object));
  const fences = Array.from({ length: mesh.size.fences }, (_, at) => at);
  const now = new Date();
  await each(fences, (at) => client.patch(reference(mesh, at), mesh.status(at, now), "status"));
}

/** Creates one object, without a look at what the API server has: it is new. */
export async function create(client: KubernetesClient, object: KubernetesObject): Promise<void> {
  await client.request("POST", collection(object), object);
}

function reference(mesh: BenchMesh, fence: number) {
  return { apiVersion: "microservice.slime.io/v1alpha1", kind: "ServiceFence", metadata: { ...mesh.fence(fence) } };
}

function collection({ apiVersion, kind, metadata: { namespace } }: KubernetesObject): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${root}${namespace === undefined ? "" : `/namespaces/${namespace}`}/${kind.toLowerCase()}s`;
}

/** Works on several at once. Throws the first failure, once nothing is on its way any more. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items[Symbol.iterator]();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  const results = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
