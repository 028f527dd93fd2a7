import type { RecordWithTtl } from "node:dns";
import { Resolver as DnsClient } from "node:dns/promises";
import { LRUCache } from "lru-cache";
import type { Target } from "../destination/authorize.ts";
import { qualifiedNames } from "../destination/cluster-name.ts";
import { type Resolution, ResolutionError, type Resolver, toAddress } from "./resolver.ts";

export interface DnsResolverOptions {
  /** DNS domain of the cluster. Default `cluster.local`. */
  readonly clusterDomain?: string;
  /** Name servers as `ip` or `ip:port`. Default: those of /etc/resolv.conf. */
  readonly servers?: readonly string[];
  /**
   * Milliseconds that an answer is used at most. Default 5000, the TTL that CoreDNS gives to services. A shorter TTL of the records counts, down to
   * one second: a TTL of 0 must not mean a look-up for every request.
   */
  readonly maxTtl?: number;
  /** Milliseconds that "no such name" is used. Default 1000: a service that has just been created must be found soon. */
  readonly negativeTtl?: number;
  /** Milliseconds to wait for a name server, per try. Default 1000. */
  readonly timeout?: number;
  /** Tries per name server. Default 2. */
  readonly tries?: number;
}

interface Entry {
  readonly resolution: Resolution;
  readonly freshUntil: number;
}

/** What was found, and the milliseconds that its records may be used. */
interface Found {
  readonly resolution: Resolution;
  readonly ttl: number;
}

const MAX_TARGETS = 10_000;
const MIN_TTL = 1_000;
const ABSENCE: Found = { resolution: undefined, ttl: 0 };
/** Codes of node:dns that mean: the server answered, and there is no such record. */
const ABSENT = new Set(["ENOTFOUND", "ENODATA"]);
const TIMED_OUT = new Set(["ETIMEOUT", "ECANCELLED"]);

/**
 * Resolves by cluster DNS, A before AAAA. An IP address counts as a service when its PTR record names one, which CoreDNS answers for
 * ClusterIPs and endpoints; so no list of address ranges has to be configured.
 *
 * Addresses are dialled as resolved here, never resolved again by the connect: the address that was checked is the one that is used.
 */
export function createDnsResolver(options: DnsResolverOptions = {}): Resolver {
  const { clusterDomain = "cluster.local", servers, maxTtl = 5_000, negativeTtl = 1_000, timeout = 1_000, tries = 2 } = options;
  const client = new DnsClient({ timeout, tries });
  if (servers !== undefined) client.setServers(servers);
  const cache = new LRUCache<string, Entry>({ max: MAX_TARGETS });
  const pending = new Map<string, Promise<Resolution>>();

  async function refresh(key: string, target: Target, stale: Entry | undefined): Promise<Resolution> {
    try {
      const { resolution, ttl } = await lookUp(client, target, clusterDomain);
      const fresh = resolution === undefined ? negativeTtl : Math.max(MIN_TTL, Math.min(ttl, maxTtl));
      cache.set(key, { resolution, freshUntil: Date.now() + fresh });
      return resolution;
    } catch (error) {
      // RFC 8767: an answer that was right a moment ago is better than none while the server is in trouble.
      if (stale === undefined) throw resolutionError(error);
      cache.set(key, { resolution: stale.resolution, freshUntil: Date.now() + negativeTtl });
      return stale.resolution;
    } finally {
      pending.delete(key);
    }
  }

  return {
    resolve(target: Target): Resolution | Promise<Resolution> {
      const key = `${target.host} ${target.port} ${target.external === true ? "external" : `/${target.namespace ?? ""}`}`;
      const entry = cache.get(key);
      if (entry !== undefined && entry.freshUntil > Date.now()) return entry.resolution;
      let lookup = pending.get(key);
      if (lookup === undefined) {
        lookup = refresh(key, target, entry);
        pending.set(key, lookup);
      }
      return lookup;
    },
  };
}

async function lookUp(client: DnsClient, target: Target, clusterDomain: string): Promise<Found> {
  const { host, kind, port, namespace, external = false } = target;
  if (kind !== "name") return lookUpAddress(client, target, clusterDomain);
  const names = external ? [host] : (qualifiedNames(host, namespace, clusterDomain) ?? []);
  for (const name of names) {
    const found = await addressRecords(client, name);
    if (found.length === 0) continue;
    const resolution = found.map(({ address }) => toAddress(address, port, external ? undefined : name, `${name}:${port}`));
    return { resolution, ttl: 1_000 * Math.min(...found.map(({ ttl }) => ttl)) };
  }
  return ABSENCE;
}

/**
 * A and AAAA records, A first. Where one of the two questions fails, the answer to the other will do: name servers that stumble over AAAA are common,
 * and the service is there all the same.
 */
async function addressRecords(client: DnsClient, name: string): Promise<RecordWithTtl[]> {
  const answers = await Promise.allSettled([records(client.resolve4(name, { ttl: true })), records(client.resolve6(name, { ttl: true }))]);
  const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  const failed = answers.find((answer) => answer.status === "rejected");
  if (found.length === 0 && failed !== undefined) throw failed.reason;
  return found;
}

async function lookUpAddress(client: DnsClient, { host, port, external }: Target, clusterDomain: string): Promise<Found> {
  const isKnown = external === true || (await namesService(client, host, clusterDomain));
  if (!isKnown) return ABSENCE;
  return { resolution: [toAddress(host, port, external === true ? undefined : host)], ttl: Number.POSITIVE_INFINITY };
}

async function namesService(client: DnsClient, address: string, clusterDomain: string): Promise<boolean> {
  const names = await records(client.reverse(address));
  return names.some((name) => name.toLowerCase().endsWith(`.svc.${clusterDomain}`));
}

/** The records of a query; none when the server says that there are none. */
async function records<T>(query: Promise<T[]>): Promise<readonly T[]> {
  try {
    return await query;
  } catch (error) {
    if (ABSENT.has(codeOf(error))) return [];
    throw error;
  }
}

function resolutionError(error: unknown): ResolutionError {
  return new ResolutionError(`the name server failed (${codeOf(error)})`, { timedOut: TIMED_OUT.has(codeOf(error)), cause: error });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown";
}
