/** One address that answers for a Service port. */
export interface EndpointAddress {
  readonly address: string;
  readonly port: number;
}

/** A Service port, by the name that the whole mesh uses for it. */
export interface Destination {
  /** Fully qualified: `b.test1.svc.cluster.local`. */
  readonly host: string;
  readonly port: number;
}
