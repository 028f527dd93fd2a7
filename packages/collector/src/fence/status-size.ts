import { compareText, type DomainStatus, isShortDomainStatus, ownValue, shortDomainStatus } from "@fenceline/api";

type Domains = Readonly<Record<string, DomainStatus>>;

/** How large a status may be. */
export interface SizeLimits {
  /** Bytes that the fence takes beside the hosts of its status. Default: none. */
  readonly beside?: () => number;
  /** Part of the usual size, where the API server refused that. Default 1. */
  readonly part?: number;
}

/** The hosts of a status that has room for them, and what had to go. */
export interface SizedDomains {
  readonly domains: Domains;
  /** Hosts that go without detail. */
  readonly shortened: number;
  /** Hosts that are not told at all. Default: none. */
  readonly leftOut?: number;
}

/**
 * Bytes that the hosts of a status may take in JSON with details. Beside them an API server keeps
 * which fields are whose, which takes about half as much again.
 */
export const MOST_BYTES = 512 * 1024;
/** Bytes that etcd takes of a fence, with room for what is not counted here. */
const MOST_OF_ETCD = 1.5 * 1024 * 1024 - 128 * 1024;
/** Bytes that a status has in any case, whatever the spec takes. */
const LEAST_BYTES = 64 * 1024;
/** Hosts that any status has room for. */
const FEW = 16;
/** What an entry takes beside its host, and what its details take. */
const ENTRY = 100;
const DETAIL = 110;
/** What a window of its own takes. */
const WINDOW = 28;
/** What the fields of an entry take in the list of whose they are, beside the host. */
const OWNED_ENTRY = 75;
const OWNED_DETAIL = 50;

/**
 * The hosts of a status, as small as they have to be: where they are too large, those that were
 * seen longest ago go without detail; where etcd would not take that either, some are left out.
 *
 * An entry that is without detail, or left out, stays so while there is no room, so that a call,
 * which makes another host the oldest, costs no write.
 */
export function withinSize(domains: Domains, previous: Domains, { beside = () => 0, part = 1 }: SizeLimits = {}): SizedDomains {
  const { domains: short, shortened } = withoutDetails(domains, previous, MOST_BYTES * part);
  const { domains: kept, leftOut } = withoutSome(short, previous, () => Math.max(LEAST_BYTES, MOST_OF_ETCD - beside()) * part);
  return { domains: kept, shortened, ...(leftOut > 0 && { leftOut }) };
}

function withoutDetails(domains: Domains, previous: Domains, most: number): { readonly domains: Domains; readonly shortened: number } {
  const entries = Object.entries(domains);
  const sizeOf = (host: string, { idleWindow }: DomainStatus) => 2 * host.length + ENTRY + DETAIL + (idleWindow === undefined ? 0 : WINDOW);
  let bytes = entries.reduce((sum, [host, domain]) => sum + sizeOf(host, domain), 0);
  if (bytes <= most) return { domains, shortened: 0 };
  const detailed = entries.filter(([, { lastSeen }]) => lastSeen !== undefined);
  const wasShort = (host: string) => {
    const before = ownValue(previous, host);
    return before !== undefined && isShortDomainStatus(before);
  };
  const order = detailed.toSorted(
    ([one, { lastSeen: a = "" }], [other, { lastSeen: b = "" }]) => Number(wasShort(other)) - Number(wasShort(one)) || compareText(a, b),
  );
  const short: Record<string, DomainStatus> = {};
  let shortened = 0;
  for (const [host, domain] of order) {
    if (bytes <= most) break;
    short[host] = shortDomainStatus(domain);
    bytes -= host.length + DETAIL;
    shortened += 1;
  }
  return { domains: { ...domains, ...short }, shortened };
}

/**
 * First those go that the spec names and nobody called, which it tells again, then those that were
 * not told before, then those seen longest ago: the rendered Sidecar has them all. One that has
 * expired stays: nothing else tells that it must not come back.
 */
function withoutSome(
  domains: Domains,
  previous: Domains,
  mostBytes: () => number,
): { readonly domains: Domains; readonly leftOut: number } {
  const entries = Object.entries(domains);
  let bytes = entries.reduce((sum, [host, domain]) => sum + storedBytes(host, domain), 0);
  const most = entries.length <= FEW ? Number.POSITIVE_INFINITY : mostBytes();
  if (bytes <= most) return { domains, leftOut: 0 };
  const rank = (host: string, { lastSeen }: DomainStatus) => (lastSeen === undefined ? 0 : Object.hasOwn(previous, host) ? 2 : 1);
  const order = entries
    .filter(([, { status }]) => status !== "EXPIRE")
    .toSorted(([one, a], [other, b]) => rank(one, a) - rank(other, b) || compareText(a.lastSeen ?? "", b.lastSeen ?? ""));
  const gone = new Set<string>();
  for (const [host, domain] of order) {
    if (bytes <= most) break;
    gone.add(host);
    bytes -= storedBytes(host, domain);
  }
  return { domains: Object.fromEntries(entries.filter(([host]) => !gone.has(host))), leftOut: gone.size };
}

/** About what an entry takes in etcd: itself, and whose its fields are. */
function storedBytes(host: string, domain: DomainStatus): number {
  const detail = isShortDomainStatus(domain) ? 0 : host.length + DETAIL + OWNED_DETAIL;
  return 2 * host.length + ENTRY + OWNED_ENTRY + detail + (domain.idleWindow === undefined ? 0 : WINDOW);
}

/**
 * Bytes that a fence takes beside the hosts of its status: its spec, once more in the annotation of
 * `kubectl apply`, and the list of whose its fields are, and what Slime had learned.
 */
export function bytesBeside(spec: object, metricStatus: object | null | undefined): number {
  return 3 * JSON.stringify(spec).length + 2 * JSON.stringify(metricStatus ?? {}).length;
}
