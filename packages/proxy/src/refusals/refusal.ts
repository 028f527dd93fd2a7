/**
 * Every reason for which the proxy itself answers, and the status of each. The codes are stable:
 * they are in the answer's `fenceline-error` header, in the metric `fenceline_proxy_requests_total`
 * and in the log.
 */
export const STATUS_OF = {
  /**
   * OPTIONS with `Max-Forwards: 0`: the sender asks for the answer of this hop (RFC 9110 §7.6.2).
   */
  MAX_FORWARDS_REACHED: 200,
  /** The request does not follow HTTP/1.1, so its end or its target is not certain. */
  REQUEST_MALFORMED: 400,
  /** Host is missing, repeated or not a host (RFC 9112 §3.2). */
  HOST_MALFORMED: 400,
  /** `slime-orig-dest` is not `ip:port`. */
  ORIGINAL_DESTINATION_MALFORMED: 400,
  /**
   * AuthorizationPolicies refuse every call of this caller. The destination could not enforce this,
   * since it sees our certificate.
   */
  DENIED_BY_POLICY: 403,
  /**
   * CONNECT and TRACE: a tunnel would bypass every check below, an echo would show headers that
   * Envoys added.
   */
  METHOD_REFUSED: 405,
  /** The client took too long to send its header. */
  REQUEST_TIMED_OUT: 408,
  /**
   * The host is not a service of the cluster, or a short name without a known namespace. RFC 9110
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
   * The destination is outside of the mesh, and this caller, or every caller, may not reach it
   * through the global sidecar.
   */
  EXTERNAL_REFUSED: 421,
  /**
   * Without its fence, the caller's Envoy would refuse this Service: the default Sidecar hides it,
   * and unknown hosts are blocked.
   */
  HOST_HIDDEN: 421,
  /** The address is a pod's or a Service's, but no Service declares the port. */
  PORT_NOT_DECLARED: 421,
  /** Header bytes or fields beyond the limit. */
  HEADER_TOO_LARGE: 431,
  /**
   * The method is not registered. The request is valid, but the parser cannot read it (RFC 9110
   * §15.6.2).
   */
  METHOD_UNKNOWN: 501,
  CONNECT_FAILED: 502,
  /** The connection broke before the answer began. */
  UPSTREAM_RESET: 502,
  /** The answer is not valid in the protocol of the request. */
  UPSTREAM_INVALID: 502,
  /**
   * The proxy itself is overloaded. Nothing was done for the request: it may be sent again, to
   * another replica or later.
   */
  OVERLOADED: 503,
  /**
   * Every connection to the destination is in use, and the most requests that may wait for one do.
   */
  UPSTREAM_BUSY: 503,
  /**
   * It is not known yet whether the address may be reached: the collector has not sent the mesh's
   * addresses. Worth a retry, which another replica may answer.
   */
  MESH_UNKNOWN: 503,
  NO_SUCH_SERVICE: 503,
  /** The service exists, but nothing answers for this port. */
  NO_ENDPOINTS: 503,
  /**
   * The resolver failed, so it is not known whether the service exists. Worth a retry, as for every
   * 503.
   */
  RESOLUTION_FAILED: 503,
  CONNECT_TIMED_OUT: 504,
  RESOLUTION_TIMED_OUT: 504,
  UPSTREAM_TIMED_OUT: 504,
  /**
   * The call made no progress, and the memory for calls in flight is used up. The request may have
   * arrived, so it is not a 503, which says that it has not.
   */
  CALL_STALLED: 504,
  /** The request was here before, on its way to the same destination (RFC 5842 §7.2). */
  LOOP: 508,
} as const;

export type RefusalCode = keyof typeof STATUS_OF;

/** Why the proxy answers a request, and not its destination. */
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
