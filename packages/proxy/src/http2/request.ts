import { constants, type IncomingHttpHeaders } from "node:http2";
import { isGrpc } from "@fenceline/wire/is-grpc";
import type { ReceivedRequest } from "../calls/request.ts";
import { Refusal } from "../refusals/refusal.ts";
import { FIELD_OVERHEAD, sensitiveNames } from "./fields.ts";
import { MAX_HEADER_LIST_SIZE } from "./options.ts";

/** A request of HTTP/2, as the pipeline takes it. */
export interface Http2Request extends ReceivedRequest {
  readonly scheme: string;
  /** Whether the caller speaks gRPC, and so reads a refusal only as a gRPC status. */
  readonly grpc: boolean;
  /** Bytes of the header, unpacked, as RFC 9113 §6.5.2 counts them. */
  readonly headerBytes: number;
  /** Whether a body follows. */
  readonly hasBody: boolean;
  /** Names of the fields that must stay out of compression tables. */
  readonly sensitive: readonly string[];
  /** Why it is not forwarded. */
  readonly refused: Refusal | undefined;
}

const { HTTP2_METHOD_CONNECT, NGHTTP2_FLAG_END_STREAM } = constants;
const CONNECT_REFUSED = new Refusal("METHOD_REFUSED", "CONNECT is not forwarded");
const HOST_DIFFERS = new Refusal("HOST_MALFORMED", "Host and :authority differ");
const TOO_LARGE = new Refusal("HEADER_TOO_LARGE", "the request's header is too large");
const PATH_MALFORMED = new Refusal("REQUEST_MALFORMED", ":path does not begin with a slash");

/**
 * Sorts the fields of an HTTP/2 request. nghttp2 has seen to it that names are tokens in lower
 * case, that pseudo-header fields stand first and once, and that none is specific to a connection
 * (RFC 9113 §8.2 and §8.3).
 *
 * @param fields the same as an object, as Node hands it over
 * @param rawFields flat list of names and values
 */
export function readHttp2Request(fields: IncomingHttpHeaders, flags: number, rawFields: readonly string[]): Http2Request {
  const { ":method": method = "", ":path": target = "", ":authority": authority, host } = fields;
  const rawHeaders: string[] = [];
  // The pipeline knows the authority as Host.
  if (authority !== undefined) rawHeaders.push("host", authority);
  let size = 0;
  for (let i = 0; i + 1 < rawFields.length; i += 2) {
    const name = rawFields[i] ?? "";
    const value = rawFields[i + 1] ?? "";
    size += name.length + value.length + FIELD_OVERHEAD;
    if (name.charCodeAt(0) === COLON || (authority !== undefined && name === "host")) continue;
    rawHeaders.push(name, value);
  }
  return {
    method,
    target,
    rawHeaders,
    scheme: fields[":scheme"] ?? "http",
    grpc: isGrpc(fields["content-type"]),
    headerBytes: size,
    hasBody: (flags & NGHTTP2_FLAG_END_STREAM) === 0,
    sensitive: sensitiveNames(fields),
    // nghttp2 refuses it only once the client has acknowledged our SETTINGS, and nobody can make it
    // do so.
    refused: size > MAX_HEADER_LIST_SIZE ? TOO_LARGE : faultOf(method, target, authority, host),
  };
}

const COLON = 58;

function faultOf(method: string, target: string, authority: string | undefined, host: string | undefined): Refusal | undefined {
  if (method === HTTP2_METHOD_CONNECT) return CONNECT_REFUSED;
  // RFC 9113 §8.3.1: they must not differ. Which of the two the hops before this one went by,
  // nobody can tell.
  if (host !== undefined && authority !== undefined && host.toLowerCase() !== authority.toLowerCase()) return HOST_DIFFERS;
  // nghttp2 checks that for the schemes http and https only; an absolute form would name another
  // authority.
  return target.startsWith("/") || target === "*" ? undefined : PATH_MALFORMED;
}
