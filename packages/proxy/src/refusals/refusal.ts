/**
 * Every reason for which the proxy itself answers, and the one status that each maps to. The codes
 * are stable: they stand in the answer's `fenceline-error` header, in the metric
 * `fenceline_proxy_requests_total` and in the log.
 */
export const STATUS_OF = {
  /**
   * OPTIONS with `Max-Forwards: 0`: the sender wants to hear the hop that it ends at, and that is
   * us (RFC 9110 §7.6.2).
   */
  MAX_FORWARDS_REACHED: 200,
  /** The request does not follow HTTP/1.1, so its end or its target cannot be known for sure. */
  REQUEST_MALFORMED: 400,
  /** Host is missing, repeated or no host (RFC 9112 §3.2). */
  HOST_MALFORMED: 400,
  /** `slime-orig-dest` is not `ip:port`. */
  ORIGINAL_DESTINATION_MALFORMED: 400,
  /**
   * AuthorizationPolicies refuse whatever this caller asks for, and the destination, which sees our
   * certificate, could not tell.
   */
  DENIED_BY_POLICY: 403,
  /**
   * CONNECT and TRACE: a tunnel would pass every check below, an echo would show headers that
   * Envoys added.
   */
  METHOD_REFUSED: 405,
  /** The client took too long to send its header. */
  REQUEST_TIMED_OUT: 408,
  /**
   * The host is no service of the cluster, or a short name whose namespace nobody said. RFC 9110
   * §15.5.20.
   */
  HOST_NOT_SERVED: 421,
  /**
   * The destination is Fenceline itself: a name or an address of its namespace, or a port of this
   * very process.
   */
  DESTINATION_IS_SELF: 421,
  /**
   * The host resolves to an address that is never a service: loopback, link-local, metadata,
   * multicast.
   */
  ADDRESS_REFUSED: 421,
  /**
   * The destination is outside of the mesh, and this caller, or any, may not reach it by way of the
   * global sidecar.
   */
  EXTERNAL_REFUSED: 421,
  /**
   * The caller's Envoy refuses this Service without its fence: its default Sidecar hides it, and
   * hosts that it does not know are blocked.
   */
  HOST_HIDDEN: 421,
  /** The address is a pod's or a Service's, the port is nobody's: no Service declares it. */
  PORT_NOT_DECLARED: 421,
  /** Header bytes or fields beyond the limit. */
  HEADER_TOO_LARGE: 431,
  /**
   * A method that is not registered. The request is valid, but the parser cannot read it (RFC 9110
   * §15.6.2).
   */
  METHOD_UNKNOWN: 501,
  CONNECT_FAILED: 502,
  /** The connection broke before the answer began. */
  UPSTREAM_RESET: 502,
  /** What came back is no valid answer in the protocol of the request. */
  UPSTREAM_INVALID: 502,
  /**
   * The proxy itself has more to do than it can. Nothing was done for the request: it may be sent
   * again, to another replica or later.
   */
  OVERLOADED: 503,
  /** Every connection to the destination is in use, and as many requests as may wait for one do. */
  UPSTREAM_BUSY: 503,
  /**
   * Not yet known whether the address may be reached: the collector's view of the mesh has not
   * come. Worth a retry, which another replica may answer.
   */
  MESH_UNKNOWN: 503,
  NO_SUCH_SERVICE: 503,
  /** The service exists, but nothing answers for this port. */
  NO_ENDPOINTS: 503,
  /**
   * The resolver failed, so it is not known whether the service exists. Worth a retry, as 503 says.
   */
  RESOLUTION_FAILED: 503,
  CONNECT_TIMED_OUT: 504,
  RESOLUTION_TIMED_OUT: 504,
  UPSTREAM_TIMED_OUT: 504,
  /**
   * Nothing went on, and the memory for calls in flight is used up. The request may have arrived:
   * no 503, which says that it did not.
   */
  CALL_STALLED: 504,
  /** The request was here before, on its way to the same destination (RFC 5842 §7.2). */
  LOOP: 508,
} as const;

export type RefusalCode = keyof typeof STATUS_OF;

/** Why a request is answered by the proxy and not by its destination. */
export class Refusal {
  readonly code: RefusalCode;
  /** For people; may change. */
  readonly message: string;

  constructor(code: RefusalCode, message: string) {
    this.code = code;
    this.message = message;
  }

  get status(): number {
    return STATUS_OF[this.code];
  }
}
