import { Refusal } from "../refusals/refusal.ts";
import type { Address } from "../resolve/resolver.ts";
import type { AddressCheck } from "./address-policy.ts";
import { type ExternalPolicy, REACH, type Reach } from "./external-policy.ts";
import type { NamespacedHost } from "./hidden-services.ts";

/** What is behind a ClusterIP, without addresses that only a pod has. */
export interface EndpointsBehind {
  readonly endpoints: readonly Address[];
  /** Whether there are others that were not told. */
  readonly areMore: boolean;
}

/** What is known of the mesh's addresses. */
export interface MeshView {
  /** Changes whenever an answer of {@link judge} may change. */
  readonly version: number;
  /**
   * The reach that an address needs, or why it is refused to all; undefined for one outside of the
   * mesh.
   *
   * @param isDeclared whether a Service is known to declare this port of it. Default: as known here
   */
  judge(address: Address, isDeclared?: boolean): Reach | Refusal | undefined;
  /** What has to be checked before a port of a ClusterIP is dialled, besides the ClusterIP. */
  endpointsBehind(address: string, port: number): EndpointsBehind;
  /** Whether an address is a ClusterIP. */
  isService(address: string): boolean;
  /** Whether only an EndpointSlice names the address, and it is not in a range of pods. */
  isOutside(address: string): boolean;
  /** Whether an address outside of the mesh is in a range of its pods or Services. */
  inPodRange(address: string): boolean;
  /** Whether the pods of a namespace reach only registered hosts. */
  isRegistryOnly(namespace: string): boolean;
  /**
   * Whether policies refuse every call from a namespace to a host, which may be a ClusterIP.
   *
   * @param host fully qualified
   */
  isRefused(namespace: string, host: string): boolean;
  /**
   * Whether the default Sidecar, which those of fences replace, hides a Service from the pods of a
   * namespace: the named one, or each with the address.
   *
   * @param named undefined where no Service was named
   */
  hides(namespace: string, address: string, named: NamespacedHost | undefined): boolean;
  /** Whether there is a fence of this name. @param name `namespace/name` */
  isFence(name: string): boolean;
  /**
   * Whether a fence names service accounts, and this is none of them.
   *
   * @param fence `namespace/name`
   */
  excludes(fence: string, serviceAccount: string): boolean;
}

const DENIED = new Refusal("EXTERNAL_REFUSED", "the configuration refuses this address");

const UNSELECTED_POD = new Refusal(
  "PORT_NOT_DECLARED",
  "the address is of a range of pods or Services, and no Service declares this port of it",
);

const NOT_ALLOWED = new Refusal("EXTERNAL_REFUSED", "the configuration does not allow this external address");
const TOO_MANY = new Refusal("ADDRESS_REFUSED", "the Service leads to more addresses that are no pods than are judged");
const CHAIN = new Refusal("ADDRESS_REFUSED", "the Service leads to another one, and by that to a third");

/**
 * Checks one address, for every caller: the reach that it needs, or why it is refused.
 *
 * A ClusterIP leads further: kube-proxy, or the Envoy beside us, connects to any endpoint behind
 * it, which is not visible here. So each endpoint is checked as if it were dialled, and one that
 * may not be dialled is enough to refuse the port (T-05, T-06). The same holds for an address of a
 * Service from a load balancer or `externalIPs`.
 */
export function addressJudge(check: AddressCheck, external: ExternalPolicy, mesh?: MeshView): (address: Address) => Reach | Refusal {
  function direct(address: Address): Reach | Refusal {
    const never = check(address);
    if (never !== undefined) return never;
    const ofMesh = mesh?.judge(address);
    if (ofMesh !== undefined) return ofMesh;
    if (mesh === undefined && address.by !== "external") return REACH.MESH;
    if (external.denies(address.address)) return DENIED;
    // A Service is in DNS before we are told of it, and calls by its name must not fail until then.
    if (address.by === "service") return REACH.SERVICE_NAMES;
    const reach = external.reachFor(address.address);
    return reach !== REACH.LISTED && mesh?.inPodRange(address.address) === true ? UNSELECTED_POD : reach;
  }

  /** What the endpoints of a ClusterIP need. @param depth of ClusterIPs behind ClusterIPs */
  function behind(clusterIP: Address, view: MeshView, depth: number): Reach | Refusal {
    const { endpoints, areMore } = view.endpointsBehind(clusterIP.address, clusterIP.port);
    let most: Reach = REACH.MESH;
    for (const endpoint of endpoints) {
      const need = ofEndpoint(endpoint, view, depth);
      if (need instanceof Refusal)
        return new Refusal(need.code, `the Service leads to ${endpoint.address} port ${endpoint.port}: ${need.message}`);
      if (need > most) most = need;
    }
    return areMore ? TOO_MANY : most;
  }

  function ofEndpoint(endpoint: Address, view: MeshView, depth: number): Reach | Refusal {
    const never = check(endpoint) ?? view.judge(endpoint, true);
    if (never instanceof Refusal) return never;
    const { address, port } = endpoint;
    const { endpoints, areMore } = view.endpointsBehind(address, port);
    const isService = view.isService(address);
    const leadsOn = isService || areMore || endpoints.length > 0;
    if (leadsOn && depth > 0) return CHAIN;
    const further = leadsOn ? behind(endpoint, view, depth + 1) : REACH.MESH;
    if (isService || further instanceof Refusal) return further;
    return farther(ofLast(address, view), further);
  }

  /** What an endpoint needs that is no ClusterIP. */
  function ofLast(address: string, view: MeshView): Reach | Refusal {
    if (!view.isOutside(address)) return REACH.MESH;
    if (external.denies(address)) return DENIED;
    // Istio knows the Service, as it does an ExternalName, so REGISTRY_ONLY allows calls to it.
    const isAllowed = external.mode === "forward" || external.reachFor(address) === REACH.LISTED;
    return isAllowed ? REACH.SERVICE_NAMES : NOT_ALLOWED;
  }

  return (address) => {
    const need = direct(address);
    if (need instanceof Refusal || mesh === undefined) return need;
    return farther(need, behind(address, mesh, 0));
  };
}

function farther(one: Reach | Refusal, other: Reach | Refusal): Reach | Refusal {
  if (one instanceof Refusal) return one;
  return other instanceof Refusal || other > one ? other : one;
}
