import type { KubernetesClient } from "../../lab/kubernetes/client.ts";
import { type ServicePort, serviceObject } from "../../lab/kubernetes/manifests.ts";
import type { KubernetesObject } from "../../lab/kubernetes/object.ts";
import type { Lab } from "../../lab/lab.ts";

const NAMESPACES = 10;
/** Requests to the API server at once. */
const WRITERS = 16;

/** What a Service that nobody calls has. */
export interface ServiceShape {
  readonly port: ServicePort;
  /** At most {@link MOST_ENDPOINTS}. */
  readonly endpoints: number;
}

/** A Service as there are many. */
const USUAL: ServiceShape = { port: { name: "http", port: 80, targetPort: 8_080 }, endpoints: 5 };
/** No two Services share an address. */
const MOST_ENDPOINTS = 10;

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

  /**
   * Creates Services and their EndpointSlices until there are so many.
   *
   * @param shape of those that are new. Default: one HTTP port and 5 endpoints
   */
  async growTo(count: number, shape: ServiceShape = USUAL): Promise<void> {
    const writers = Array.from({ length: WRITERS }, async () => {
      while (this.#count < count) {
        this.#lab.signal.throwIfAborted();
        const index = this.#count;
        this.#count += 1;
        await create(this.#lab.kubernetes, index, shape);
      }
    });
    await Promise.all(writers);
  }
}

function namespaceOf(index: number): string {
  return `scale-${index % NAMESPACES}`;
}

async function create(client: KubernetesClient, index: number, { port, endpoints }: ServiceShape): Promise<void> {
  const namespace = namespaceOf(index);
  const name = `unrelated${index}`;
  // Null: without a selector no controller makes slices, and ours stand.
  const { spec, ...service } = serviceObject(namespace, name, [port]);
  await client.request("POST", `/api/v1/namespaces/${namespace}/services`, { ...service, spec: { ...(spec as object), selector: null } });
  await client.request(
    "POST",
    `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
    endpointSlice({ namespace, name }, port, addressesOf(index, endpoints)),
  );
}

function addressesOf(index: number, endpoints: number): readonly string[] {
  return Array.from({ length: endpoints }, (_, endpoint) => benchmarkAddress(index * MOST_ENDPOINTS + endpoint));
}

function endpointSlice(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  port: ServicePort,
  addresses: readonly string[],
): KubernetesObject {
  const endpoints = addresses.map((address) => ({ addresses: [address], conditions: { ready: true } }));
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace, name, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints,
    ports: [{ name: port.name, port: port.targetPort, protocol: "TCP" }],
  };
}

/** 198.18.0.0/15 is for benchmarks (RFC 2544): nobody is there. */
function benchmarkAddress(index: number): string {
  return `198.${18 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
}
