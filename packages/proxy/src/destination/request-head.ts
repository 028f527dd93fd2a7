import { FENCE_SOURCE, FORWARDED_CLIENT_CERT, ORIGINAL_DESTINATION, OUTBOUND_POLICY, SOURCE_NAMESPACE } from "@fenceline/api/vocabulary";
import { Refusal } from "../refusals/refusal.ts";
import { HOP_HEADER } from "./hop.ts";
import { DROPPED_FIELDS, dropNamedByConnection, joined } from "./hop-by-hop.ts";
import { AUTHORITY_HEADER } from "./host-fields.ts";
import { plainLength } from "./plain-length.ts";

/**
 * A request with more header fields than this is refused. Node drops fields beyond its own limit
 * silently, so that limit is off.
 */
const MAX_HEADER_FIELDS = 1_000;

/** The result of one pass over the raw header fields of a request. */
export interface RequestHead {
  host: string | undefined;
  hostCount: number;
  /**
   * `fence-source`. Like the two below, it is joined by a comma when repeated, as RFC 9110 §5.3
   * allows, and so is not valid any more.
   */
  source: string | undefined;
  /** `slime-source-ns` */
  sourceNamespace: string | undefined;
  /** `slime-orig-dest` */
  originalDestination: string | undefined;
  /** `fenceline-outbound`; any value only removes rights. */
  outbound: string | undefined;
  clientCertificate: string | undefined;
  hop: string | undefined;
  /** `Max-Forwards`; it is forwarded, too. */
  maxForwards: string | undefined;
  connection: string | undefined;
  transferEncoding: string | undefined;
  contentLength: string | undefined;
  /**
   * Flat list of names and values to forward, without Host, as the client wrote them and in its
   * order.
   */
  forwarded: string[];
}

type FieldRule = (head: RequestHead, value: string, name: string) => void;

const drop: FieldRule = () => {};

/** `trailers` as a member of `TE`, which has no weight (RFC 9110 §10.1.4). */
const TAKES_TRAILERS = /(?:^|,)[\t ]*trailers[\t ]*(?:,|$)/i;

/**
 * Fields that Connection must not remove. RFC 9110 §7.6.1 lets a client name any field as
 * hop-by-hop. By naming one that frames, routes, authenticates or attributes a request, it could
 * remove what earlier hops added (as in CVE-2022-1388). A client that sends `TE: trailers` always
 * names `te`, and that value is forwarded.
 */
const PROTECTED = new Set([
  "host",
  "content-length",
  "content-type",
  "content-encoding",
  "authorization",
  "cookie",
  "via",
  "forwarded",
  "x-real-ip",
  "x-request-id",
  "traceparent",
  "tracestate",
  "te",
]);
const PROTECTED_PREFIXES = ["x-forwarded-", "x-envoy-", "x-b3-"];

function isProtected(name: string): boolean {
  return PROTECTED.has(name) || PROTECTED_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** The fields that are not simply forwarded. */
const RULES = new Map<string, FieldRule>([
  [
    "host",
    (head, value) => {
      head.hostCount += 1;
      head.host = value;
    },
  ],
  [
    FENCE_SOURCE,
    (head, value) => {
      head.source = joined(head.source, value);
    },
  ],
  [
    SOURCE_NAMESPACE,
    (head, value) => {
      head.sourceNamespace = joined(head.sourceNamespace, value);
    },
  ],
  [
    ORIGINAL_DESTINATION,
    (head, value) => {
      head.originalDestination = joined(head.originalDestination, value);
    },
  ],
  [
    OUTBOUND_POLICY,
    (head, value) => {
      head.outbound = value;
    },
  ],
  [
    HOP_HEADER,
    (head, value) => {
      head.hop = joined(head.hop, value);
    },
  ],
  [
    FORWARDED_CLIENT_CERT,
    (head, value, name) => {
      head.clientCertificate = joined(head.clientCertificate, value);
      head.forwarded.push(name, value);
    },
  ],
  [
    "connection",
    (head, value) => {
      head.connection = joined(head.connection, value);
    },
  ],
  [
    "transfer-encoding",
    (head, value) => {
      head.transferEncoding = joined(head.transferEncoding, value);
    },
  ],
  [
    "content-length",
    (head, value, name) => {
      head.contentLength = plainLength(value);
      head.forwarded.push(name, head.contentLength);
    },
  ],
  [
    "max-forwards",
    (head, value, name) => {
      head.maxForwards = joined(head.maxForwards, value);
      head.forwarded.push(name, value);
    },
  ],
  // Only we set it: from a caller it would change the Host that its destination sees.
  [AUTHORITY_HEADER, drop],
  // `trailers` concerns the whole way, and answer trailers are relayed; other members ask for
  // codings of this hop. For HTTP/2, Node accepts it only in lower case.
  [
    "te",
    (head, value, name) => {
      if (TAKES_TRAILERS.test(value)) head.forwarded.push(name, "trailers");
    },
  ],
  ["keep-alive", drop],
  ...DROPPED_FIELDS.map((name) => [name, drop] as const),
]);

/**
 * Sorts the raw header fields of a request in one pass.
 *
 * @param rawHeaders Node's flat list of names and values
 * @returns a refusal where the framing is ambiguous. llhttp has already refused Content-Length
 * beside Transfer-Encoding; any coding but `chunked` alone would have to be removed here, which is
 * not possible
 */
export function readRequestHead(rawHeaders: readonly string[]): RequestHead | Refusal {
  if (rawHeaders.length > 2 * MAX_HEADER_FIELDS) {
    return new Refusal("HEADER_TOO_LARGE", `more than ${MAX_HEADER_FIELDS} header fields`);
  }
  const head: RequestHead = {
    host: undefined,
    hostCount: 0,
    source: undefined,
    sourceNamespace: undefined,
    originalDestination: undefined,
    outbound: undefined,
    clientCertificate: undefined,
    hop: undefined,
    maxForwards: undefined,
    connection: undefined,
    transferEncoding: undefined,
    contentLength: undefined,
    forwarded: [],
  };
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    const value = rawHeaders[i + 1] ?? "";
    const rule = RULES.get(name.toLowerCase());
    if (rule === undefined) head.forwarded.push(name, value);
    else rule(head, value, name);
  }
  head.forwarded = dropNamedByConnection(head.forwarded, head.connection, isProtected);
  return framingFault(head) ?? head;
}

/**
 * Fields that must not come after a body (RFC 9110 §6.5.1): they frame, route or authenticate what
 * was already handled.
 */
export const NEVER_A_TRAILER: ReadonlySet<string> = new Set([
  ...RULES.keys(),
  "trailer",
  "expect",
  "authorization",
  "cookie",
  "content-encoding",
  "content-type",
  "content-range",
]);

/**
 * Whether a body follows: only Content-Length or Transfer-Encoding tells, never the method (RFC
 * 9112 §6.3).
 */
export function hasBody({ transferEncoding, contentLength }: RequestHead): boolean {
  return transferEncoding !== undefined || (contentLength !== undefined && Number(contentLength) !== 0);
}

function framingFault({ transferEncoding, contentLength }: RequestHead): Refusal | undefined {
  if (transferEncoding !== undefined && transferEncoding.toLowerCase() !== "chunked") {
    return new Refusal("REQUEST_MALFORMED", "Transfer-Encoding must be exactly 'chunked'");
  }
  // llhttp counts in 64 bits, JavaScript in 53: beyond that the two would disagree about the end of
  // the body.
  if (contentLength !== undefined && !Number.isSafeInteger(Number(contentLength))) {
    return new Refusal("REQUEST_MALFORMED", "Content-Length is beyond what can be counted");
  }
  return undefined;
}
