/** A request as its protocol's listener read it. */
export interface ReceivedRequest {
  readonly method: string;
  /** Request target or `:path`. */
  readonly target: string;
  /** Flat list of names and values, Host among them: HTTP/2's `:authority` stands as Host here. */
  readonly rawHeaders: readonly string[];
}

/**
 * A request as it goes to the destination. Its body, if any, stays with the call that it came by.
 */
export interface ForwardedRequest {
  readonly method: string;
  /** Request target, every byte as the client sent it. */
  readonly path: string;
  /** Value of Host or `:authority`. */
  readonly authority: string;
  /** Flat list of names and values, without Host. */
  readonly headers: string[];
  /**
   * Whether the request's header announced a body (HTTP/1.1 only; HTTP/2 says it with the end of
   * the stream).
   */
  readonly hasBody: boolean;
}
