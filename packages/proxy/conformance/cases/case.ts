/** What our proxy does with the request of a case. */
export type Verdict =
  /** Refused by its form: nothing of it reaches the upstream whole, and the connection closes. */
  | "refused"
  /** Answered by the proxy itself, which knows where it ends: the connection goes on. */
  | "declined"
  /**
   * The bytes are the beginning of a request, and the next one on the connection is taken for its
   * rest.
   */
  | "unfinished"
  /** So many requests reach the upstream. */
  | number;

/** One row of the table: the bytes of one or more requests, as a client might send them. */
export interface Case {
  /** Row of the list of cases. */
  readonly row: number;
  readonly name: string;
  /** latin1 */
  readonly bytes: string;
  readonly verdict: Verdict;
}

/** Names the cases of one row that share a verdict. */
export function cases(row: number, verdict: Verdict, bytesByName: Readonly<Record<string, string>>): Case[] {
  return Object.entries(bytesByName).map(([name, bytes]) => ({ row, name, bytes, verdict }));
}

export const HOST = "Host: details.bookinfo.svc.cluster.local\r\n";

/**
 * Hidden where a wrong reading of the bytes before it would make it a request. No case lets it
 * reach the upstream as one.
 */
export const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;

/** A GET with these fields beside Host. Each field ends with its own line end. */
export function get(fields = "", target = "/case"): string {
  return `GET ${target} HTTP/1.1\r\n${HOST}${fields}\r\n`;
}

/** A POST with these fields beside Host, and what follows the header. */
export function post(fields: string, body: string): string {
  return `POST /case HTTP/1.1\r\n${HOST}${fields}\r\n${body}`;
}

/** A POST whose content is chunked, from the first chunk's size line on. */
export function chunked(chunks: string): string {
  return post("Transfer-Encoding: chunked\r\n", chunks);
}
