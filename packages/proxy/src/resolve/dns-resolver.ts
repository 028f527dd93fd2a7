import { Resolver as DnsClient } from "node:dns/promises";
import { DnsFailure } from "./address-records.ts";
import { AnswerCache } from "./answer-cache.ts";
import { DnsLookup, type Found } from "./dns-lookup.ts";
import { type PendingLookup, PendingLookups } from "./pending-lookups.ts";
import type { Target } from "./resolver.ts";
import { type Resolution, ResolutionError, type Resolver } from "./resolver.ts";

export interface DnsResolverOptions {
  /** DNS domain of the cluster. Default `cluster.local`. */
  readonly clusterDomain?: string;
  /** Name servers as `ip` or `ip:port`. Default: those of /etc/resolv.conf. */
  readonly servers?: readonly string[];
  /**
   * Most milliseconds for which an answer is used before it is queried again. Default 5000,
   * CoreDNS' TTL of services. A shorter TTL of the records counts, down to one second: a TTL of 0
   * must not cause a look-up for every request.
   */
  readonly maxTtl?: number;
  /**
   * Milliseconds for which "no such name" is used. Default 1000: a new service must be found soon.
   */
  readonly negativeTtl?: number;
  /**
   * Most milliseconds after its TTL for which an answer is used while the name server fails.
   * Default 3600000, as CoreDNS' `serve_stale`.
   */
  readonly maxStale?: number;
  /**
   * Most addresses that are remembered, of all names. Default 100000. Beyond it the least recently
   * used names of the namespace with the most are removed.
   */
  readonly maxAddresses?: number;
  /** Milliseconds to wait for a name server, per try. Default 1000. */
  readonly timeout?: number;
  /** Tries per name server. Default 2. */
  readonly tries?: number;
  /**
   * Milliseconds of a monotonic clock. Default `performance.now()`: changes of the wall clock do
   * not affect the age of answers (issue 15).
   */
  readonly clock?: () => number;
}

interface Entry {
  /** Undefined for "no such name". */
  readonly resolution: Resolution;
  /** See {@link Found.name}. */
  readonly name: string | undefined;
  /** When it is queried again, in milliseconds of a monotonic clock, like the next field. */
  readonly freshUntil: number;
  /** When its TTL ended. Failures delay the field above, and not this one. */
  readonly expiresAt: number;
}

const MAX_TARGETS = 10_000;
/** About 15 MB. */
const MAX_ADDRESSES = 100_000;
const MIN_TTL = 1_000;
/**
 * Milliseconds for which an answer counts as just expired. Envoy's DNS cache keeps an unused name
 * for as long (`host_ttl`), and answers from it at once.
 */
const JUST_EXPIRED = 300_000;
/**
 * Milliseconds for which a request waits for the new answer before it uses one that has just
 * expired. A name server nearby needs about one.
 */
const WAIT_WITH_JUST_EXPIRED = 50;
/**
 * The same for an older answer, which is more likely to be wrong: the "client response timer" of
 * RFC 8767 §5.
 */
const WAIT_WITH_OLD = 1_800;
const TIMED_OUT = new Set(["ETIMEOUT", "ECANCELLED"]);

/**
 * Resolves by cluster DNS, A before AAAA. An IP address counts as a service when its PTR record
 * names one. CoreDNS has these for ClusterIPs and endpoints, so no address ranges have to be
 * configured.
 *
 * The connect uses the addresses of this look-up, and never resolves again: the checked address is
 * the one that is used.
 *
 * An expired answer is used while the new one is late, and while the name server fails (RFC 8767).
 * "No such name" is an answer, and ends this.
 */
export function createDnsResolver(options: DnsResolverOptions = {}): Resolver {
  return new DnsResolver(options);
}

class DnsResolver implements Resolver {
  readonly #lookup: DnsLookup;
  readonly #cache: AnswerCache<Entry>;
  readonly #pending = new PendingLookups();
  readonly #maxTtl: number;
  readonly #negativeTtl: number;
  readonly #maxStale: number;
  readonly #clock: () => number;

  constructor({ clusterDomain = "cluster.local", servers, timeout = 1_000, tries = 2, ...times }: DnsResolverOptions) {
    const client = new DnsClient({ timeout, tries });
    if (servers !== undefined) client.setServers(servers);
    this.#lookup = new DnsLookup(client, clusterDomain);
    this.#cache = new AnswerCache({ maxAnswers: MAX_TARGETS, maxSize: times.maxAddresses ?? MAX_ADDRESSES });
    this.#maxTtl = times.maxTtl ?? 5_000;
    this.#negativeTtl = times.negativeTtl ?? 1_000;
    this.#maxStale = times.maxStale ?? 3_600_000;
    this.#clock = times.clock ?? (() => performance.now());
  }

  resolve(target: Target): Resolution | Promise<Resolution> {
    const key = keyOf(target);
    const entry = this.#cache.get(key, ownerOf(target));
    if (entry !== undefined && this.#isFresh(entry)) return entry.resolution;
    const expired = entry !== undefined && this.#isUsable(entry) ? entry : undefined;
    const lookup = this.#pending.of(key) ?? this.#begin(key, target, entry);
    if (lookup === undefined) return expired?.resolution ?? Promise.reject(TOO_MANY);
    if (expired === undefined) return lookup.result;
    return lookup.isLate ? expired.resolution : (lookup.soon ?? lookup.result);
  }

  /** @returns undefined when no more look-ups may begin */
  #begin(key: string, target: Target, entry: Entry | undefined): PendingLookup | undefined {
    if (!this.#pending.hasRoom(shareOf(target))) return undefined;
    const result = this.#refresh(key, target, entry);
    const lookup: PendingLookup = { result, soon: undefined, isLate: false };
    if (entry !== undefined && this.#isUsable(entry)) {
      const wait = this.#clock() - entry.expiresAt < JUST_EXPIRED ? WAIT_WITH_JUST_EXPIRED : WAIT_WITH_OLD;
      lookup.soon = orExpired(result, entry.resolution, wait, () => {
        lookup.isLate = true;
      });
    }
    this.#pending.add(key, shareOf(target), lookup);
    return lookup;
  }

  async #refresh(key: string, target: Target, entry: Entry | undefined): Promise<Resolution> {
    try {
      const found = await this.#lookup.find(target, entry?.name);
      const resolution = this.#keep(key, target, found);
      void found.later?.then((later) => {
        if (this.#cache.get(key)?.resolution === resolution) this.#keep(key, target, later);
      });
      return resolution;
    } catch (error) {
      if (entry === undefined || !this.#isUsable(entry)) throw resolutionError(error, entry?.resolution !== undefined);
      this.#remember(key, target, { ...entry, freshUntil: this.#clock() + this.#negativeTtl });
      return entry.resolution;
    }
  }

  /**
   * @returns what is kept: the former objects if they are equal, so that caches with these objects
   * as keys stay valid
   */
  #keep(key: string, target: Target, { resolution, ttl, name }: Found): Resolution {
    const before = this.#cache.get(key)?.resolution;
    const known = isSame(before, resolution) ? before : resolution;
    const freshUntil = this.#clock() + (resolution === undefined ? this.#negativeTtl : Math.max(MIN_TTL, Math.min(ttl, this.#maxTtl)));
    this.#remember(key, target, { resolution: known, name, freshUntil, expiresAt: freshUntil });
    return known;
  }

  /** One answer may have 4,000 addresses, and the owner of a domain any number of names. */
  #remember(key: string, target: Target, entry: Entry): void {
    this.#cache.set(key, ownerOf(target), entry, 1 + (entry.resolution?.length ?? 0));
  }

  #isFresh({ freshUntil }: Entry): boolean {
    return this.#clock() < freshUntil;
  }

  #isUsable({ resolution, expiresAt }: Entry): boolean {
    return resolution !== undefined && this.#clock() - expiresAt < this.#maxStale;
  }
}

const TOO_MANY = new ResolutionError("too many names are being looked up", { timedOut: false });

function keyOf({ host, port, namespace, external }: Target): string {
  return `${host} ${port} ${external === true ? "external" : `/${namespace ?? ""}`}`;
}

/**
 * The result, or the expired answer when the result takes too long.
 *
 * @param wait milliseconds until that
 * @param late called at that time
 */
function orExpired(result: Promise<Resolution>, expired: Resolution, wait: number, late: () => void): Promise<Resolution> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      late();
      resolve(expired);
    }, wait);
    const settled = (current: Resolution) => {
      clearTimeout(timer);
      resolve(current);
    };
    result.then(settled, () => settled(expired));
  });
}

/**
 * The share of look-ups to which it belongs. All look-ups of external hosts have one share, and so
 * do all callers without a proved namespace.
 */
function shareOf({ external, unproven, namespace = "" }: Target): string {
  if (external === true) return EXTERNAL;
  return unproven === true ? UNPROVEN : namespace;
}

/**
 * The namespace for which the answer counts; undefined for a caller without a proved namespace,
 * which must not take over answers that a namespace uses.
 */
function ownerOf(target: Target): string | undefined {
  return target.unproven === true && target.external !== true ? undefined : shareOf(target);
}

/** Shares beside those of namespaces, whose names have no slash. */
const [EXTERNAL, UNPROVEN] = ["/external", "/unproven"];

function isSame(one: Resolution, other: Resolution): boolean {
  if (one === undefined || other === undefined || one.length !== other.length) return false;
  return one.every(({ origin, authority }, i) => origin === other[i]?.origin && authority === other[i]?.authority);
}

function resolutionError(error: unknown, wasKnown: boolean): ResolutionError {
  const code = error instanceof DnsFailure ? error.code : "unknown";
  return new ResolutionError(`the name server failed (${code})`, { timedOut: TIMED_OUT.has(code), wasKnown, cause: error });
}
