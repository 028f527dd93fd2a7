import { compareText, type DomainStatus, isShortDomainStatus, ownValue, shortDomainStatus } from "@fenceline/api";

type Domains = Readonly<Record<string, DomainStatus>>;

/** How large a status may be. */
export interface SizeLimits {
  /** Bytes of the fence without the hosts of its status. Default: none. */
  readonly beside?: () => number;
  /** The part of the usual size that is allowed, where the API server refused more. Default 1. */
  readonly part?: number;
}

/** The hosts of a status that fit, and what was left out. */
export interface SizedDomains {
  readonly domains: Domains;
  /** Hosts without details. */
  readonly shortened: number;
  /** Hosts that are missing. Default: none. */
  readonly leftOut?: number;
}

/**
 * Most bytes of the hosts of a status in JSON with details. Beside them an API server keeps who
 * owns which field, which takes about half as much again.
 */
export const MOST_BYTES = 512 * 1024;
/** Bytes of a fence that etcd accepts, less a reserve for what is not counted here. */
const MOST_OF_ETCD = 1.5 * 1024 * 1024 - 128 * 1024;
/** Bytes that a status always has, however large the spec is. */
const LEAST_BYTES = 64 * 1024;
/** Hosts for which any status has room. */
const FEW = 16;
/** Bytes of an entry beside its host, and of its details. */
const ENTRY = 100;
const DETAIL = 110;
/** Bytes of a window of its own. */
const WINDOW = 28;
/** Bytes of an entry in the list of owned fields, beside the host. */
const OWNED_ENTRY = 75;
const OWNED_DETAIL = 50;

/**
 * The hosts of a status, reduced as far as necessary. Where they are too large, those that were
 * seen longest ago lose their details; where etcd would not accept that either, some are left out.
 *
 * An entry without details, or one that is left out, stays so while there is no room. Otherwise
 * each call, which makes another host the oldest, would cause a write.
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
 * First those are left out that the spec names, since it shows them too, and that nobody called;
 * then those that were not in the status before; then those seen longest ago. The rendered Sidecar
 * has them all. An expired entry stays: nothing else shows that it must not come back.
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

/** Roughly the bytes of an entry in etcd: its own, and the ownership of its fields. */
function storedBytes(host: string, domain: DomainStatus): number {
  const detail = isShortDomainStatus(domain) ? 0 : host.length + DETAIL + OWNED_DETAIL;
  return 2 * host.length + ENTRY + OWNED_ENTRY + detail + (domain.idleWindow === undefined ? 0 : WINDOW);
}

/**
 * Bytes of a fence without the hosts of its status: its spec, once more in the annotation of
 * `kubectl apply`, the list of owned fields, and what Slime had learned.
 */
export function bytesBeside(spec: object, metricStatus: object | null | undefined): number {
  return 3 * JSON.stringify(spec).length + 2 * JSON.stringify(metricStatus ?? {}).length;
}
