import type { KubernetesClient } from "../../lab/kubernetes/client.ts";
import { serviceObject } from "../../lab/kubernetes/manifests.ts";
import type { KubernetesObject } from "../../lab/kubernetes/object.ts";
import type { Lab } from "../../lab/lab.ts";

const NAMESPACES = 10;
const ENDPOINTS = 5;
/** Requests to the API server at once. */
const WRITERS = 16;

/** Services that nobody calls, with endpoints and without pods. Their number only grows. */
export class UnrelatedServices {
  readonly #lab: Lab;
  #count = 0;

  private constructor(lab: Lab) {
    this.#lab = lab;
  }

  static async prepare(lab: Lab): Promise<UnrelatedServices> {
    await Promise.all(Array.from({ length: NAMESPACES }, (_, index) => lab.namespace(namespaceOf(index))));
    return new UnrelatedServices(lab);
  }

  /** Creates Services and their EndpointSlices until there are so many. */
  async growTo(count: number): Promise<void> {
    const writers = Array.from({ length: WRITERS }, async () => {
      while (this.#count < count) {
        this.#lab.signal.throwIfAborted();
        const index = this.#count;
        this.#count += 1;
        await create(this.#lab.kubernetes, index);
      }
    });
    await Promise.all(writers);
  }
}

function namespaceOf(index: number): string {
  return `scale-${index % NAMESPACES}`;
}

async function create(client: KubernetesClient, index: number): Promise<void> {
  const namespace = namespaceOf(index);
  const name = `unrelated${index}`;
  // Null: without a selector no controller makes slices, and ours stand.
  const { spec, ...service } = serviceObject(namespace, name, [{ name: "http", port: 80, targetPort: 8_080 }]);
  await client.request("POST", `/api/v1/namespaces/${namespace}/services`, { ...service, spec: { ...(spec as object), selector: null } });
  await client.request("POST", `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, endpointSlice(namespace, name, index));
}

function endpointSlice(namespace: string, name: string, index: number): KubernetesObject {
  const endpoints = Array.from({ length: ENDPOINTS }, (_, endpoint) => ({
    addresses: [benchmarkAddress(index * ENDPOINTS + endpoint)],
    conditions: { ready: true },
  }));
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace, name, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints,
    ports: [{ name: "http", port: 8_080, protocol: "TCP" }],
  };
}

/** 198.18.0.0/15 is for benchmarks (RFC 2544): nobody is there. */
function benchmarkAddress(index: number): string {
  return `198.${18 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
}
