import type { RecordWithTtl } from "node:dns";
import type { Resolver as DnsClient } from "node:dns/promises";
import { compareText } from "@fenceline/api/vocabulary";

/** The addresses of a name. */
export interface AddressRecords {
  /**
   * A before AAAA, sorted by their text: name servers rotate the order with each answer, and
   * balancing uses positions.
   */
  readonly records: readonly RecordWithTtl[];
  /**
   * The same, once the late answer to the other question has arrived. Undefined when none is late.
   * Never rejects.
   */
  readonly later?: Promise<readonly RecordWithTtl[]>;
}

/** A question that was not answered. */
export class DnsFailure extends Error {
  /** Code of node:dns: `ESERVFAIL`, `ETIMEOUT`, … */
  readonly code: string;

  constructor(code: string, cause: unknown) {
    super(`the name server failed (${code})`, { cause });
    this.name = "DnsFailure";
    this.code = code;
  }
}

/**
 * Milliseconds for which the addresses of one family wait for those of the other (RFC 8305 §3,
 * Resolution Delay).
 */
const RESOLUTION_DELAY = 50;

/**
 * Codes of node:dns for "no such name": the server's answer, or without a query for a name that is
 * too long for DNS (RFC 1035 §2.3.4).
 */
const NO_SUCH_NAME: ReadonlySet<string> = new Set(["ENOTFOUND", "EBADNAME"]);
/** The server answered, and there is no record of this type. */
const NO_SUCH_RECORD = "ENODATA";

/** How a question ended. */
type Outcome = { readonly records: readonly RecordWithTtl[]; readonly noSuchName?: boolean } | { readonly failure: DnsFailure };

/**
 * A and AAAA records of a name; none if the name does not exist, or has neither.
 *
 * Name servers that fail for AAAA are common, and so are lost packets, although the service exists.
 * So once one family has arrived, the other is waited for at most {@link RESOLUTION_DELAY}, and if
 * one question fails, the answer to the other is enough. "No such name" for A holds for both (RFC
 * 8020 §2). For AAAA it is ignored, because some servers send it where only this record does not
 * exist (RFC 4074 §4.2).
 *
 * @throws DnsFailure when there are no records and one of the two questions was not answered
 */
export async function addressRecords(client: DnsClient, name: string): Promise<AddressRecords> {
  const a = ask(client.resolve4(name, { ttl: true }));
  const aaaa = ask(client.resolve6(name, { ttl: true }));
  const both = Promise.all([a, aaaa]);
  const known = await Promise.race([both, enough(a, both, true), enough(aaaa, both, false)]);
  const records = join(known);
  return known.length === 2 || records.length === 0 ? { records } : { records, later: both.then(join) };
}

/** The records of a question with one type. */
export async function records<T>(question: Promise<T[]>): Promise<readonly T[]> {
  try {
    return await question;
  } catch (error) {
    const code = codeOf(error);
    if (NO_SUCH_NAME.has(code) || code === NO_SUCH_RECORD) return [];
    throw new DnsFailure(code, error);
  }
}

/** Resolves with one outcome once it is enough without the other. */
async function enough(question: Promise<Outcome>, both: Promise<Outcome[]>, speaksForBoth: boolean): Promise<Outcome[]> {
  const outcome = await question;
  if ("failure" in outcome) return both;
  if (speaksForBoth && outcome.noSuchName === true) return [outcome];
  if (outcome.records.length === 0) return both;
  await new Promise<void>((resolve) => void setTimeout(resolve, RESOLUTION_DELAY).unref());
  return [outcome];
}

async function ask(question: Promise<RecordWithTtl[]>): Promise<Outcome> {
  try {
    const records = await question;
    return { records: records.sort((one, other) => compareText(one.address, other.address)) };
  } catch (error) {
    const code = codeOf(error);
    if (NO_SUCH_NAME.has(code)) return { records: [], noSuchName: true };
    return code === NO_SUCH_RECORD ? { records: [] } : { failure: new DnsFailure(code, error) };
  }
}

function join(outcomes: readonly Outcome[]): readonly RecordWithTtl[] {
  const found = outcomes.flatMap((outcome) => ("records" in outcome ? outcome.records : []));
  const [first] = outcomes;
  const isAbsent = first !== undefined && "records" in first && first.noSuchName === true;
  if (found.length > 0 || isAbsent) return found;
  for (const outcome of outcomes) if ("failure" in outcome) throw outcome.failure;
  return [];
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown";
}
