import { isIPv6 } from "node:net";

/** A host and port to resolve. */
export interface Target {
  readonly host: string;
  readonly kind: "name" | "ipv4" | "ipv6";
  readonly port: number;
  /** Namespace of the caller, to complete a short `host`. */
  readonly namespace: string | undefined;
  /**
   * Whether it is not proved that the caller is in that namespace. Then look-ups and answers must
   * not count for the namespace.
   */
  readonly unproven?: true;
  /**
   * Whether it is resolved as it is, because it is not a service: an address to itself, a name to
   * its own records.
   */
  readonly external?: true;
}

/** One address to connect to. */
export interface Address {
  readonly address: string;
  readonly port: number;
  /** Key of its connection pool, for example `http://10.0.0.1:80`. */
  readonly origin: string;
  /**
   * The host by which an Envoy beside this proxy knows the address, with the port unless it is 80.
   * Undefined if no Envoy routes by Host on the way.
   */
  readonly authority?: string;
  /**
   * `host:port` of its service, by which requests are balanced over endpoints. It is the same in
   * every list of that service.
   */
  readonly service?: string;
  /**
   * From what it was resolved: the name of a service, an address itself, or a host that is not a
   * service of the cluster. If nothing else is known about the address, this decides whether it
   * counts as the mesh's.
   */
  readonly by: AddressSource;
}

export type AddressSource = "service" | "address" | "external";

/**
 * The addresses of a target; empty when the service has none now; undefined when there is no such
 * service.
 */
export type Resolution = readonly Address[] | undefined;

/**
 * Step 3: resolves a target to addresses.
 *
 * An IP address as host is a target like any other: the resolver only knows it when it belongs to a
 * service. It may answer synchronously, which saves a request a turn of the event loop, and should
 * return the same objects while nothing changes. It rejects with a {@link ResolutionError} when it
 * does not know the answer.
 */
export interface Resolver {
  resolve(target: Target): Resolution | Promise<Resolution>;
}

/** The resolver does not know whether the target exists. */
export class ResolutionError extends Error {
  readonly timedOut: boolean;
  /** Whether the target was found before, so that it probably exists. */
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
