import type { RecordWithTtl } from "node:dns";
import type { Resolver as DnsClient } from "node:dns/promises";
import { addressRecords, DnsFailure, records } from "./address-records.ts";
import { qualifiedNames } from "./cluster-name.ts";
import type { Target } from "./resolver.ts";
import { type Resolution, toAddress } from "./resolver.ts";

/** What a look-up found. */
export interface Found {
  readonly resolution: Resolution;
  /** Milliseconds that its records may be used. */
  readonly ttl: number;
  /** The name that has the records, of those that a short name may stand for. */
  readonly name?: string;
  /** The same with the addresses of a family that was late. Never rejects. */
  readonly later?: Promise<Found>;
}

const ABSENCE: Found = { resolution: undefined, ttl: 0 };

/** Asks a name server, by the search path of a pod in the caller's namespace. */
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
   * @throws DnsFailure when it cannot be said what the target stands for
   */
  async find(target: Target, answeredBefore: string | undefined): Promise<Found> {
    const { host, kind, namespace, external } = target;
    if (kind !== "name") return this.#findAddress(target);
    const names = external === true ? [host] : (qualifiedNames(host, namespace, this.#clusterDomain) ?? []);
    return this.#search(target, names, answeredBefore);
  }

  /**
   * The first name with records, as glibc goes about it (`res_nsearch`). It goes on behind a name
   * that does not exist or has no addresses, and behind one for which the server says SERVFAIL: it
   * has answered, and may know the next one. It stops at silence and at every other refusal: these
   * are about the server and not about the name.
   *
   * Stricter than glibc in one point: a name that had records before is not passed over because the
   * server stumbles, but only when it says that the name is gone. Otherwise a fault of a moment
   * would send the calls for one service to another one, further down the search path.
   */
  async #search(target: Target, names: readonly string[], answeredBefore: string | undefined): Promise<Found> {
    let failure: DnsFailure | undefined;
    for (const name of names) {
      try {
        const { records: found, later } = await addressRecords(this.#client, name);
        // Behind a name that failed it is true only for as long as that one fails, so it is asked
        // for again soon.
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
