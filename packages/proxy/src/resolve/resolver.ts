import { isIPv6 } from "node:net";

/** A place that the resolver may be asked for. */
export interface Target {
  readonly host: string;
  readonly kind: "name" | "ipv4" | "ipv6";
  readonly port: number;
  /** Namespace of the caller, to complete a short `host`. */
  readonly namespace: string | undefined;
  /**
   * Whether nothing proves that the caller is of that namespace, so that what is done for it must
   * not count for the namespace.
   */
  readonly unproven?: true;
  /**
   * To be taken as it stands, because it is no service: an address for itself, a name by its own
   * records.
   */
  readonly external?: true;
}

/** One place to connect to. */
export interface Address {
  readonly address: string;
  readonly port: number;
  /** `http://10.0.0.1:80`: key of its connection pool. */
  readonly origin: string;
  /**
   * What an Envoy beside this proxy knows the address by, with the port unless it is 80. Undefined
   * where none routes by Host on the way.
   */
  readonly authority?: string;
  /**
   * `host:port` of the service whose endpoint it is, by which requests are spread over endpoints.
   * The same in every list of that service.
   */
  readonly service?: string;
  /**
   * What it was resolved from: the name of a service, an address that stands for itself, or a host
   * that is no service of the cluster. It says how far the address is believed to be the mesh's
   * where nothing else is known of it.
   */
  readonly by: AddressSource;
}

export type AddressSource = "service" | "address" | "external";

/**
 * The addresses that answer for a target; empty when the service has none now; undefined when there
 * is no such service.
 */
export type Resolution = readonly Address[] | undefined;

/**
 * Step 3: what a target stands for.
 *
 * An IP address as host is a target like any other: the resolver answers it only when it belongs to
 * a service. It may answer at once, which spares a request a turn of the event loop, and should
 * hand out the same objects while nothing changes. It rejects with a {@link ResolutionError} when
 * it cannot say.
 */
export interface Resolver {
  resolve(target: Target): Resolution | Promise<Resolution>;
}

/** The resolver could not say whether the target exists. */
export class ResolutionError extends Error {
  readonly timedOut: boolean;
  /** Whether the target was found before, so that it most likely exists. */
  readonly wasKnown: boolean;

  constructor(message: string, options: { readonly timedOut: boolean; readonly wasKnown?: boolean; readonly cause?: unknown }) {
    super(message, { cause: options.cause });
    this.name = "ResolutionError";
    this.timedOut = options.timedOut;
    this.wasKnown = options.wasKnown ?? false;
  }
}

/**
 * @param host name or address of the service, see {@link Address.authority}
 * @param service see {@link Address.service}
 * @param by see {@link Address.by}
 */
export function toAddress(address: string, port: number, host?: string, service?: string, by: AddressSource = "service"): Address {
  const origin = `http://${bracketed(address)}:${port}`;
  return {
    address,
    port,
    origin,
    by,
    ...(host !== undefined && { authority: `${bracketed(host)}${port === 80 ? "" : `:${port}`}` }),
    ...(service !== undefined && { service }),
  };
}

function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}
