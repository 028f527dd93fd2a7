import { type DomainStatus, isShortDomainStatus, shortDomainStatus } from "@fenceline/api";

type Domains = Readonly<Record<string, DomainStatus>>;

/**
 * Bytes that the hosts of a status may take in JSON. etcd takes objects of 1.5 MiB, and the field
 * ownership that the API server keeps beside a status is about as large as the status itself.
 */
export const MOST_BYTES = 512 * 1024;
/** What an entry takes beside its host, and what its details take. */
const ENTRY = 100;
const DETAIL = 110;
/** What a window of its own takes. */
const WINDOW = 28;

/**
 * The hosts of a status, as small as they have to be: where they are too large, those that were
 * seen longest ago go without detail.
 *
 * An entry that is without detail stays so while there is no room, so that a call, which makes
 * another host the oldest, costs no write.
 */
export function withinSize(domains: Domains, previous: Domains): { readonly domains: Domains; readonly shortened: number } {
  const entries = Object.entries(domains);
  const sizeOf = (host: string, { idleWindow }: DomainStatus) => 2 * host.length + ENTRY + DETAIL + (idleWindow === undefined ? 0 : WINDOW);
  let bytes = entries.reduce((sum, [host, domain]) => sum + sizeOf(host, domain), 0);
  if (bytes <= MOST_BYTES) return { domains, shortened: 0 };
  const detailed = entries.filter(([, { lastSeen }]) => lastSeen !== undefined);
  const wasShort = (host: string) => previous[host] !== undefined && isShortDomainStatus(previous[host]);
  const order = detailed.toSorted(
    ([one, { lastSeen: a = "" }], [other, { lastSeen: b = "" }]) =>
      Number(wasShort(other)) - Number(wasShort(one)) || (a < b ? -1 : a > b ? 1 : 0),
  );
  const short: Record<string, DomainStatus> = {};
  let shortened = 0;
  for (const [host, domain] of order) {
    if (bytes <= MOST_BYTES) break;
    short[host] = shortDomainStatus(domain);
    bytes -= host.length + DETAIL;
    shortened += 1;
  }
  return { domains: { ...domains, ...short }, shortened };
}
