/** A request as the listener of its protocol read it. */
export interface ReceivedRequest {
  readonly method: string;
  /** Request target or `:path`. */
  readonly target: string;
  /** Flat list of names and values, including Host: HTTP/2's `:authority` is in it as Host. */
  readonly rawHeaders: readonly string[];
}

/** A request as it goes to the destination. Its body, if any, stays with its call. */
export interface ForwardedRequest {
  readonly method: string;
  /** Request target, unchanged. */
  readonly path: string;
  /** Value of Host or `:authority`. */
  readonly authority: string;
  /** Flat list of names and values, without Host. */
  readonly headers: string[];
  /** Whether the header announced a body (HTTP/1.1 only; in HTTP/2 the end of the stream tells). */
  readonly hasBody: boolean;
}
