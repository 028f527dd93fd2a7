import type { RecordWithTtl } from "node:dns";
import type { Resolver as DnsClient } from "node:dns/promises";
import { addressRecords, DnsFailure, records } from "./address-records.ts";
import { qualifiedNames } from "./cluster-name.ts";
import type { Target } from "./resolver.ts";
import { type Resolution, toAddress } from "./resolver.ts";

/** The result of a look-up. */
export interface Found {
  readonly resolution: Resolution;
  /** Milliseconds for which its records may be used. */
  readonly ttl: number;
  /** The name that has the records, of the possible names of a short one. */
  readonly name?: string;
  /** The same with the addresses of a late family. Never rejects. */
  readonly later?: Promise<Found>;
}

const ABSENCE: Found = { resolution: undefined, ttl: 0 };

/** Queries a name server, with the search path of a pod in the caller's namespace. */
export class DnsLookup {
  readonly #client: DnsClient;
  readonly #clusterDomain: string;

  constructor(client: DnsClient, clusterDomain: string) {
    this.#client = client;
    this.#clusterDomain = clusterDomain;
  }

  /**
   * Looks a target up.
   *
   * @param answeredBefore the name that had records when the target was looked up before
   * @throws DnsFailure when the target cannot be resolved for now
   */
  async find(target: Target, answeredBefore: string | undefined): Promise<Found> {
    const { host, kind, namespace, external } = target;
    if (kind !== "name") return this.#findAddress(target);
    const names = external === true ? [host] : (qualifiedNames(host, namespace, this.#clusterDomain) ?? []);
    return this.#search(target, names, answeredBefore);
  }

  /**
   * The first name with records, as in glibc (`res_nsearch`). It continues after a name that does
   * not exist or has no addresses, and after SERVFAIL: the server has answered, and may know the
   * next name. It stops without an answer, and at every other error: these are about the server and
   * not about the name.
   *
   * It is stricter than glibc in one point: a name that had records before is only skipped when the
   * server says that it is gone, and not when the server fails. Otherwise a short failure would
   * send the calls for one service to another one, further down the search path.
   */
  async #search(target: Target, names: readonly string[], answeredBefore: string | undefined): Promise<Found> {
    let failure: DnsFailure | undefined;
    for (const name of names) {
      try {
        const { records: found, later } = await addressRecords(this.#client, name);
        // After a name that failed, the result is only valid while that one fails, so it is queried
        // again soon.
        const of = (all: readonly RecordWithTtl[]) => ({ ...foundOf(target, name, all), ...(failure !== undefined && { ttl: 0 }) });
        if (found.length > 0) return later === undefined ? of(found) : { ...of(found), later: later.then(of) };
      } catch (error) {
        if (!(error instanceof DnsFailure) || error.code !== "ESERVFAIL" || name === answeredBefore) throw error;
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    return ABSENCE;
  }

  /** An IP address counts as a service when its PTR record names one. */
  async #findAddress({ host, port, external }: Target): Promise<Found> {
    const isKnown = external === true || (await this.#namesService(host));
    if (!isKnown) return ABSENCE;
    const address =
      external === true ? toAddress(host, port, undefined, undefined, "external") : toAddress(host, port, host, undefined, "address");
    return { resolution: [address], ttl: Number.POSITIVE_INFINITY };
  }

  async #namesService(address: string): Promise<boolean> {
    const names = await records(this.#client.reverse(address));
    return names.some((name) => name.toLowerCase().endsWith(`.svc.${this.#clusterDomain}`));
  }
}

function foundOf({ port, external }: Target, name: string, all: readonly RecordWithTtl[]): Found {
  const service = `${name}:${port}`;
  const resolution = all.map(({ address }) =>
    external === true ? toAddress(address, port, undefined, service, "external") : toAddress(address, port, name, service),
  );
  return { resolution, ttl: 1_000 * Math.min(...all.map(({ ttl }) => ttl)), name };
}
