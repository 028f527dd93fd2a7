/** One address at which a Service port is served. */
export interface EndpointAddress {
  readonly address: string;
  readonly port: number;
}

/** A Service port, by its name in the whole mesh. */
export interface Destination {
  /** Fully qualified: `b.test1.svc.cluster.local`. */
  readonly host: string;
  readonly port: number;
}
