/**
 * What the mesh says of one address. Bits, because an address may be several: a pod on its node's
 * network is an endpoint and a node.
 */
export const ADDRESS_KIND = {
  /** A ClusterIP. */
  SERVICE: 1,
  /** An address in an EndpointSlice. */
  ENDPOINT: 2,
  NODE: 4,
  /** Of the Service `kubernetes` in `default`, or one of its endpoints. */
  API_SERVER: 8,
  /** Of a Service in Fenceline's own namespace, or one of its endpoints. */
  OWN: 16,
  /** Not one address but a CIDR that pods, or Services, have theirs from. */
  POD_RANGE: 32,
  /**
   * Not an address but a namespace, whose pods reach nothing but registered hosts. No namespace has
   * a dot or a colon, so none looks like an address.
   */
  REGISTRY_ONLY: 64,
  /**
   * Not an address but a namespace, which is an exception where {@link WHOLE_MESH} is
   * REGISTRY_ONLY.
   */
  ALLOW_ANY: 128,
  /** Not an address but a fence, or {@link EVERY_FENCE}. */
  FENCE: 256,
  /**
   * Of a Service's `externalIPs`, or of its load balancer. It may be anybody's address, so nothing
   * is closed or opened by it; but where it is dialled, kube-proxy goes to the Service.
   */
  EXTERNAL_IP: 512,
  /** Not an address but which namespaces' calls to a host policies refuse, as a text. */
  REFUSED_CALLS: 1_024,
  /**
   * Not an address but a namespace, or {@link WHOLE_MESH}, with what its default Sidecars show.
   * None where nobody's hide anything.
   */
  DEFAULT_SIDECARS: 2_048,
} as const;

/** Stands for every namespace that has no entry of its own. */
export const WHOLE_MESH = "*";

/** Says that every fence is told, so that one that is not told is none. */
export const EVERY_FENCE = "/";

/**
 * Stands for every node: the `nodePort`s of Services, by which kube-proxy goes on to whatever is
 * behind them.
 */
export const EVERY_NODE = "*/node";

/** One address of the mesh. */
export interface MeshAddress {
  /**
   * In the form of RFC 5952; a CIDR where {@link ADDRESS_KIND}.POD_RANGE is set, a namespace or
   * {@link WHOLE_MESH} where REGISTRY_ONLY, ALLOW_ANY or DEFAULT_SIDECARS is; `namespace/name`
   * where FENCE is; what `refusedTexts` of the registry says where REFUSED_CALLS is; or
   * {@link EVERY_NODE}.
   */
  readonly address: string;
  /** Bits of {@link ADDRESS_KIND}. */
  readonly kinds: number;
  /** TCP ports that some Service declares for it, ascending. */
  readonly ports: readonly number[];
  /**
   * Of a ClusterIP or an external IP, the endpoints that are more than a pod's address, one for all
   * that are judged alike. Left out where there are none.
   */
  readonly leadsTo?: readonly ServiceEndpoint[];
  /**
   * Where {@link ADDRESS_KIND}.DEFAULT_SIDECARS is set, the hosts that each default Sidecar names;
   * left out where they hide nothing.
   */
  readonly sidecars?: readonly (readonly string[])[];
  /**
   * Of a ClusterIP or an endpoint, the hosts of the Services whose it is, as `namespace/host`. Told
   * only while some default Sidecar hides hosts.
   */
  readonly hosts?: readonly string[];
  /**
   * Where {@link ADDRESS_KIND}.FENCE is set, the service accounts whose certificates are believed
   * for the fence. Left out where every one of its namespace is.
   */
  readonly accounts?: readonly string[];
}

/** An address behind a ClusterIP. */
export interface ServiceEndpoint {
  /** The Service's port that leads there. */
  readonly port: number;
  readonly address: string;
  readonly targetPort: number;
}

/** Most endpoints of a ClusterIP that are told. One more says that there are others. */
export const MAX_ENDPOINTS_TOLD = 64;

/** A piece of what the mesh says of its addresses, or of what has changed. */
export interface AddressUpdate {
  /**
   * A whole view begins: what follows is put aside until {@link complete}, and replaces everything
   * then.
   */
  readonly reset: boolean;
  /** The view is whole. Updates after it are changes. */
  readonly complete: boolean;
  readonly addresses: readonly MeshAddress[];
  /** Addresses that are the mesh's no more. */
  readonly removed: readonly string[];
}

/**
 * Addresses in one update at most, endpoints behind them included: 1,000 have about 30 KiB on the
 * wire.
 */
export const MAX_ADDRESSES_PER_UPDATE = 1_000;
