import type { IncomingHttpHeaders } from "node:http";
import { pieceTold } from "@fenceline/wire/sliced-reading";
import { pushJoining } from "../net/joined-reading.ts";
import { IncomingMessage } from "../net/node-http.ts";

/**
 * The header fields that node:http's server itself reads, by the length of their names, which few
 * other names share.
 */
const LOOKED_AT: (string | undefined)[] = [];
for (const name of ["te", "host", "expect", "content-length", "transfer-encoding"]) LOOKED_AT[name.length] = name;

/**
 * A request whose `headers` have only what node:http's server reads.
 *
 * For every request the server checks whether it expects `100 Continue` and whether it has a body.
 * For this, node:http puts all fields into an object by its own rules. The proxy reads only
 * `rawHeaders`, and the object took 5 % of the time of a request.
 */
export class LeanRequest extends IncomingMessage {
  #lookedAt: IncomingHttpHeaders | undefined;

  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (chunk !== null) pieceTold(this.socket);
    return pushJoining.call(this, chunk, encoding);
  }

  lookedAt(): IncomingHttpHeaders {
    this.#lookedAt ??= pick(this.rawHeaders);
    return this.#lookedAt;
  }
}

// Not an override in the class: for TypeScript `headers` is a field, although it is an accessor in
// Node.
Object.defineProperty(LeanRequest.prototype, "headers", {
  get(this: LeanRequest) {
    return this.lookedAt();
  },
});

function pick(rawHeaders: readonly string[]): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {};
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    const wanted = LOOKED_AT[name.length];
    if (wanted !== undefined && name.toLowerCase() === wanted) headers[wanted] ??= rawHeaders[i + 1];
  }
  return headers;
}
