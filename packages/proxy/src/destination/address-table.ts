import { BlockList, isIP } from "node:net";
import {
  ADDRESS_KIND,
  type AddressUpdate,
  EVERY_NODE,
  MAX_ADDRESSES_PER_UPDATE,
  MAX_ENDPOINTS_TOLD,
  type MeshAddress,
  WHOLE_MESH,
} from "@fenceline/api/vocabulary";
import { isLoopback, isPublicAddress, mayBeOutside } from "@fenceline/registry";
import { Refusal } from "../refusals/refusal.ts";
import { type Address, toAddress } from "../resolve/resolver.ts";
import { addNetwork, REACH, type Reach } from "./external-policy.ts";
import { HiddenServices, type NamespacedHost } from "./hidden-services.ts";
import type { EndpointsBehind, MeshView } from "./judge-address.ts";
import { KnownFences } from "./known-fences.ts";
import { RefusedCalls } from "./refused-calls.ts";

/**
 * What is kept of an address. Most addresses of a mesh differ only in the text, so they share these
 * objects.
 */
type Known = Omit<MeshAddress, "address">;

const UNKNOWN_MESH = new Refusal("MESH_UNKNOWN", "the collector has not sent the mesh's addresses yet");
const OWN = new Refusal("DESTINATION_IS_SELF", "the host resolves to Fenceline itself");
const API_SERVER = new Refusal("ADDRESS_REFUSED", "the host resolves to the API server");
const NODE = new Refusal("ADDRESS_REFUSED", "the host resolves to a node, on a port that no Service declares");
const NODE_PORT = new Refusal("ADDRESS_REFUSED", "the host resolves to a node, on a nodePort, which leads on to a Service: call that one");
const UNDECLARED = new Refusal("PORT_NOT_DECLARED", "no Service declares this port of this address");

/**
 * Ports of processes of the node and the control plane. On nodes they are refused even where a
 * Service declares them: Services for scraping metrics do, and whoever may write EndpointSlices can
 * do so for any port of any node. They are: etcd, the kubelet, kube-proxy, the scheduler and the
 * managers, of today and before 1.24 (Kubernetes, "Ports and Protocols"); the supervisor and API
 * server of k3s, RKE2 and MicroK8s; Felix of Calico, the agent of Cilium.
 */
const NODE_PORTS: ReadonlySet<number> = new Set([
  ...[2_379, 2_380, 2_381, 2_382, 10_248, 10_249, 10_250, 10_251, 10_252, 10_255, 10_256, 10_257, 10_258, 10_259, 6_443],
  ...[6_444, 9_345, 16_443, 4_240, 9_099],
]);

/**
 * Ports of Fenceline's own Services and pods in the chart. Until the mesh is known, an ExternalName
 * of anybody could lead there, since nothing tells yet whose the address is.
 */
const FENCELINE_PORTS: ReadonlySet<number> = new Set([18_080, 18_081, 18_082, 18_083]);

/**
 * Below 1024 only root listens on a node: SSH, BGP, rpcbind. The workloads on its network that use
 * HTTP there are ingress gateways.
 */
const PRIVILEGED = 1_024;
const GATEWAY_PORTS: ReadonlySet<number> = new Set([80, 443]);

function isNodePort(port: number): boolean {
  return NODE_PORTS.has(port) || (port < PRIVILEGED && !GATEWAY_PORTS.has(port));
}

/**
 * The mesh's addresses as the collector sends them. A view stays in force until the next one is
 * complete.
 */
export class AddressTable implements MeshView {
  #known = new Map<string, Known>();
  /** A view that is not complete yet. */
  #coming: Map<string, Known> | undefined;
  readonly #shared = new Map<string, Known>();
  /** The pod ranges among {@link #known}; undefined until they are first needed. */
  #ranges: BlockList | undefined;
  readonly #hidden = new HiddenServices();
  readonly #fences: KnownFences;
  readonly #refused = new RefusedCalls();
  #isComplete = false;
  #version = 0;

  /** @param clock milliseconds. Default `performance.now` */
  constructor(clock: () => number = () => performance.now()) {
    this.#fences = new KnownFences(clock);
  }

  get version(): number {
    return this.#version;
  }

  /** Whether a complete view has come. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Whether another view has begun and is not complete yet. */
  get isComing(): boolean {
    return this.#coming !== undefined;
  }

  get size(): number {
    return this.#known.size;
  }

  /** Whether an address is known to belong to the mesh. */
  has(address: string): boolean {
    return this.#kindsOf(address) !== 0;
  }

  apply({ reset, complete, addresses, removed }: AddressUpdate): void {
    if (reset) this.#begin();
    const known = this.#coming ?? this.#known;
    for (const each of addresses) this.#take(each, known);
    for (const address of removed) {
      known.delete(address);
      this.#fences.remove(address);
      this.#refused.remove(address);
    }
    const areRangesConcerned = complete || addresses.some(({ kinds }) => kinds & ADDRESS_KIND.POD_RANGE) || removed.some(isRange);
    if (areRangesConcerned) this.#ranges = undefined;
    if (complete && this.#coming !== undefined) {
      this.#known = this.#coming;
      this.#coming = undefined;
      this.#fences.complete();
      this.#refused.complete();
      this.#isComplete = true;
    }
    if (this.#coming === undefined) this.#version += 1;
  }

  #take({ address, ...each }: MeshAddress, known: Map<string, Known>): void {
    if (each.kinds & ADDRESS_KIND.FENCE) this.#fences.add(address, each.accounts);
    else if (each.kinds & ADDRESS_KIND.REFUSED_CALLS) this.#refused.add(address);
    else known.set(address, this.#kept(each));
  }

  #begin(): void {
    this.#coming = new Map();
    this.#fences.begin();
    this.#refused.begin();
  }

  /** Whether an address is in a range of pods, whether or not a Service selects its pod. */
  inPodRange(address: string): boolean {
    this.#ranges ??= rangesIn(this.#known);
    return this.#ranges.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  }

  isRegistryOnly(namespace: string): boolean {
    const kinds = this.#known.get(namespace)?.kinds ?? 0;
    if (kinds & (ADDRESS_KIND.REGISTRY_ONLY | ADDRESS_KIND.ALLOW_ANY)) return (kinds & ADDRESS_KIND.REGISTRY_ONLY) !== 0;
    return ((this.#known.get(WHOLE_MESH)?.kinds ?? 0) & ADDRESS_KIND.REGISTRY_ONLY) !== 0;
  }

  hides(namespace: string, address: string, named: NamespacedHost | undefined): boolean {
    const isTold = (known: Known | undefined) => ((known?.kinds ?? 0) & ADDRESS_KIND.DEFAULT_SIDECARS) !== 0;
    const told = [this.#known.get(namespace), this.#known.get(WHOLE_MESH)].find(isTold);
    return this.#hidden.hides(told, namespace, named, this.#known.get(address)?.hosts ?? []);
  }

  isFence(name: string): boolean {
    return this.#fences.has(name);
  }

  excludes(fence: string, serviceAccount: string): boolean {
    return this.#fences.excludes(fence, serviceAccount);
  }

  isRefused(namespace: string, host: string): boolean {
    return this.#refused.has(namespace, host);
  }

  /** The whole table in pieces, for another thread; nothing before the first complete view. */
  *updates(): Generator<AddressUpdate> {
    if (!this.#isComplete) return;
    const fences = [...this.#fences.names].map(([address, accounts]) => ({
      ...{ address, kinds: ADDRESS_KIND.FENCE, ports: [] },
      ...(accounts && { accounts }),
    }));
    const refused = [...this.#refused.texts()].map((address) => ({ address, kinds: ADDRESS_KIND.REFUSED_CALLS, ports: [] }));
    const all = [...[...this.#known].map(([address, known]) => ({ address, ...known })), ...fences, ...refused];
    const pieces = Math.max(1, Math.ceil(all.length / MAX_ADDRESSES_PER_UPDATE));
    for (let piece = 0; piece < pieces; piece += 1) {
      const addresses = all.slice(piece * MAX_ADDRESSES_PER_UPDATE, (piece + 1) * MAX_ADDRESSES_PER_UPDATE);
      yield { reset: piece === 0, complete: piece === pieces - 1, addresses, removed: [] };
    }
  }

  endpointsBehind(address: string, port: number): EndpointsBehind {
    const leadsTo = this.#known.get(address)?.leadsTo ?? [];
    const endpoints = leadsTo.filter((each) => each.port === port).map((each) => toAddress(each.address, each.targetPort));
    return { endpoints, areMore: leadsTo.length > MAX_ENDPOINTS_TOLD };
  }

  isService(address: string): boolean {
    return (this.#kindsOf(address) & ADDRESS_KIND.SERVICE) !== 0;
  }

  isOutside(address: string): boolean {
    return this.#kindsOf(address) === ADDRESS_KIND.ENDPOINT && mayBeOutside(address) && !this.inPodRange(address);
  }

  judge({ address, port, by }: Address, isDeclared = false): Reach | Refusal | undefined {
    // Until then the name of a service may be trusted: its own policy on names was applied, and DNS
    // tells where it is. Not on a port of nodes or of Fenceline, to which an ExternalName or an
    // EndpointSlice may lead, since neither is known yet.
    if (!this.#isComplete) return by === "service" && !isNodePort(port) && !FENCELINE_PORTS.has(port) ? REACH.MESH : UNKNOWN_MESH;
    const kinds = this.#kindsOf(address);
    if (kinds === 0) return undefined;
    if (kinds & ADDRESS_KIND.OWN && !isLoopback(address)) return OWN;
    if (kinds & ADDRESS_KIND.API_SERVER) return API_SERVER;
    const isOpen = isDeclared || this.#isDeclared(address, port);
    if (kinds & ADDRESS_KIND.NODE) return this.#judgeNode(port, isOpen);
    if (isOpen) return REACH.MESH;
    // An EndpointSlice may name any address. It opens a port of a public one, and closes none:
    // otherwise a tenant could make an outside host unreachable for all.
    return kinds === ADDRESS_KIND.ENDPOINT && isPublicAddress(address) ? undefined : UNDECLARED;
  }

  /** @param isDeclared whether a Service declares the port of this address */
  #judgeNode(port: number, isDeclared: boolean): Reach | Refusal {
    // kube-proxy handles it before whatever listens there, and forwards to endpoints that nobody
    // checks.
    if (this.#isDeclared(EVERY_NODE, port)) return NODE_PORT;
    return isDeclared && !isNodePort(port) ? REACH.MESH : NODE;
  }

  #isDeclared(address: string, port: number): boolean {
    return this.#known.get(address)?.ports.includes(port) === true;
  }

  /** The kinds of an address, without the Services that have it as an external IP. */
  #kindsOf(address: string): number {
    return (this.#known.get(address)?.kinds ?? 0) & ~ADDRESS_KIND.EXTERNAL_IP;
  }

  /** What belongs to one address alone is not shared. */
  #kept(known: Known): Known {
    const isPlain = known.leadsTo === undefined && known.sidecars === undefined && known.hosts === undefined;
    return isPlain ? this.#share(known) : known;
  }

  #share({ kinds, ports }: Known): Known {
    const key = `${kinds} ${ports.join(" ")}`;
    let known = this.#shared.get(key);
    if (known === undefined) {
      known = { kinds, ports };
      // Combinations of ports come and go with the mesh: unused ones must not stay for ever.
      if (this.#shared.size >= MAX_SHARED) this.#shared.clear();
      this.#shared.set(key, known);
    }
    return known;
  }
}

/** The name of a fence has a slash, too, but no address before it. */
function isRange(address: string): boolean {
  const slash = address.indexOf("/");
  return slash > 0 && isIP(address.slice(0, slash)) !== 0;
}

function rangesIn(known: ReadonlyMap<string, Known>): BlockList {
  const ranges = new BlockList();
  for (const [address, { kinds }] of known) if (kinds & ADDRESS_KIND.POD_RANGE) addNetwork(ranges, address);
  return ranges;
}

const MAX_SHARED = 10_000;
