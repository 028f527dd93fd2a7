import { BlockList, isIP } from "node:net";
import { FencelineError } from "@fenceline/api/vocabulary";

/** How hosts and addresses outside of the mesh are treated. */
export interface ExternalOptions {
  /** Whether they are forwarded, as Istio's passthrough would. */
  readonly mode: "forward" | "refuse";
  /**
   * Hosts (`partner.example`, `*.partner.example`) and CIDRs that are forwarded although the mode
   * is `refuse`.
   */
  readonly allow?: readonly string[] | undefined;
  /** Hosts and CIDRs that are always refused. */
  readonly deny?: readonly string[] | undefined;
}

/** A compiled list of hosts and CIDRs. */
class ExternalList {
  readonly #names = new Set<string>();
  readonly #endings: string[] = [];
  readonly #networks = { 4: new BlockList(), 6: new BlockList() };
  /** Whether it has any CIDR. */
  readonly hasNetworks: boolean;

  /** @throws {FencelineError} `EXTERNAL_INVALID` naming the entry */
  constructor(entries: readonly string[]) {
    let networks = 0;
    for (const entry of entries) networks += this.#add(entry.trim().toLowerCase(), entry) ? 1 : 0;
    this.hasNetworks = networks > 0;
  }

  /** @param host lower case, without a trailing dot */
  hasName(host: string): boolean {
    return this.#names.has(host) || this.#endings.some((ending) => host.endsWith(ending));
  }

  hasAddress(address: string): boolean {
    const version = isIP(address);
    return version !== 0 && this.#networks[version === 6 ? 6 : 4].check(address, version === 6 ? "ipv6" : "ipv4");
  }

  /** @returns whether it was a CIDR or an address */
  #add(entry: string, written: string): boolean {
    const network = parseNetwork(entry);
    if (network !== undefined) {
      this.#networks[network.version].addSubnet(network.address, network.bits, network.version === 4 ? "ipv4" : "ipv6");
      return true;
    }
    const name = entry.replace(/^\*\./, "").replace(/\.$/, "");
    if (!EXTERNAL_NAME.test(name)) throw invalid(written);
    if (entry.startsWith("*.")) this.#endings.push(`.${name}`);
    else this.#names.add(name);
    return false;
  }
}

/** A CIDR, or an address as a network of one; undefined for anything else. */
function parseNetwork(entry: string): { readonly address: string; readonly bits: number; readonly version: 4 | 6 } | undefined {
  const [, address = "", prefix] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const version = isIP(address) === 6 ? 6 : 4;
  const most = version === 6 ? 128 : 32;
  const bits = prefix === undefined ? most : Number(prefix);
  return isIP(address) === 0 || bits > most ? undefined : { address, bits, version };
}

/** Adds a CIDR to a list for addresses of both families; invalid ones are left out. */
export function addNetwork(list: BlockList, cidr: string): void {
  const network = parseNetwork(cidr.toLowerCase());
  if (network !== undefined) list.addSubnet(network.address, network.bits, network.version === 4 ? "ipv4" : "ipv6");
}

/**
 * Labels of a host name, lower case. The last one is no number: that would be a mistyped address.
 */
const EXTERNAL_NAME = /^(?!(?:.*\.)?\d+$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/;

function invalid(entry: string): FencelineError {
  return new FencelineError("EXTERNAL_INVALID", {
    message: `'${entry}' is neither a host name nor a CIDR`,
    hint: "write partner.example, *.partner.example, 203.0.113.0/24 or 2001:db8::/32",
  });
}

/**
 * How far a route may leave what is known of the mesh, in the order of {@link REACH}. Each includes
 * those before it.
 */
export type Reach = (typeof REACH)[keyof typeof REACH];

export const REACH = {
  /** Only what is known to be in the mesh. */
  MESH: 0,
  /**
   * Addresses to which the name of a service resolves though they are not known as such: an
   * ExternalName, or a Service that was just made.
   */
  SERVICE_NAMES: 1,
  /** External addresses that the configuration lists. */
  LISTED: 2,
  /** Every external address that is not refused. */
  ANYWHERE: 3,
} as const;

/** The configuration of external hosts, compiled. */
export class ExternalPolicy {
  readonly mode: ExternalOptions["mode"];
  readonly #allow: ExternalList;
  readonly #deny: ExternalList;

  /**
   * @throws {FencelineError} `EXTERNAL_INVALID` naming the entry that is neither a host nor a CIDR
   */
  constructor({ mode, allow = [], deny = [] }: ExternalOptions) {
    this.mode = mode;
    this.#allow = new ExternalList(allow);
    this.#deny = new ExternalList(deny);
  }

  /** Whether this host is refused by its name. @param host lower case, without a trailing dot */
  deniesName(host: string): boolean {
    return this.#deny.hasName(host);
  }

  /** How far a call may go that names this host. @param host lower case, without a trailing dot */
  reachOf(host: string): Reach {
    if (this.deniesName(host)) return REACH.SERVICE_NAMES;
    if (this.mode === "forward" || this.#allow.hasName(host)) return REACH.ANYWHERE;
    return this.#allow.hasNetworks ? REACH.LISTED : REACH.SERVICE_NAMES;
  }

  /** Whether the address is refused, whoever asks and by whatever name. */
  denies(address: string): boolean {
    return this.#deny.hasAddress(address);
  }

  /** How far a call must be allowed to go for this external address. */
  reachFor(address: string): Reach {
    return this.#allow.hasAddress(address) ? REACH.LISTED : REACH.ANYWHERE;
  }
}
