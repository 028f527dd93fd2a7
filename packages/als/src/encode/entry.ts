import { FENCE_SOURCE, REQUESTS_TAG } from "@fenceline/api/vocabulary";
import type { ReverseWriter } from "@fenceline/wire";
import type { AccessLogEntry, SocketAddress } from "../access-log-entry.ts";

/** Fields of an entry to be written. A field that is left out is absent on the wire. */
export type EntryFields = Partial<Omit<AccessLogEntry, "kind">>;

/** `AccessLogType`: DownstreamPeriodic and TcpPeriodic. */
const PERIODIC = { http: 5, tcp: 2 } as const;

/** Writes one entry as an element of `log_entry = 1`, fields in reverse. */
export function writeEntry(writer: ReverseWriter, kind: "http" | "tcp", entry: EntryFields): void {
  const mark = writer.size;
  if (kind === "http") {
    writeResponse(writer, entry.responseCode ?? 0);
    writeRequest(writer, entry);
  }
  writeCommon(writer, kind, entry);
  writer.message(1, mark);
}

/** `HTTPResponseProperties response = 4 { UInt32Value response_code = 1 }` */
function writeResponse(writer: ReverseWriter, code: number): void {
  if (code === 0) return;
  const mark = writer.size;
  writer.uint32(1, code);
  writer.message(1, mark);
  writer.message(4, mark);
}

/**
 * `HTTPRequestProperties request = 3 { authority = 3, request_id = 9, map request_headers = 13 }`
 */
function writeRequest(writer: ReverseWriter, { authority = "", requestId = "", fenceSource = "" }: EntryFields): void {
  if (authority === "" && requestId === "" && fenceSource === "") return;
  const mark = writer.size;
  if (fenceSource !== "") writeMapEntry(writer, 13, FENCE_SOURCE, fenceSource);
  writer.string(9, requestId);
  writer.string(3, authority);
  writer.message(3, mark);
}

/** `AccessLogCommon common_properties = 1` */
function writeCommon(writer: ReverseWriter, kind: "http" | "tcp", entry: EntryFields): void {
  const mark = writer.size;
  if (entry.intermediate === true) writer.uint32(33, PERIODIC[kind]);
  if (entry.requests !== undefined && entry.requests > 1) writeMapEntry(writer, 22, REQUESTS_TAG, String(entry.requests));
  writeAddress(writer, 20, entry.downstreamDirectRemoteAddress);
  writer.string(15, entry.upstreamCluster ?? "");
  writeTls(writer, entry.sni ?? "", entry.peerUris ?? []);
  writeAddress(writer, 3, entry.downstreamLocalAddress);
  writer.message(1, mark);
}

/**
 * `TLSProperties tls_properties = 4 { tls_sni_hostname = 3, peer_certificate_properties = 5 {
 * subject_alt_name = 1 { uri = 1 } } }`
 */
function writeTls(writer: ReverseWriter, sni: string, peerUris: readonly string[]): void {
  if (sni === "" && peerUris.length === 0) return;
  const mark = writer.size;
  for (const uri of peerUris.toReversed()) {
    const name = writer.size;
    writer.string(1, uri);
    writer.message(1, name);
  }
  if (peerUris.length > 0) writer.message(5, mark);
  writer.string(3, sni);
  writer.message(4, mark);
}

/** `Address { SocketAddress socket_address = 1 { address = 2, port_value = 3 } }` */
function writeAddress(writer: ReverseWriter, field: number, address: SocketAddress | undefined): void {
  if (address === undefined) return;
  const mark = writer.size;
  writer.uint32(3, address.port);
  writer.string(2, address.address);
  writer.message(1, mark);
  writer.message(field, mark);
}

/** One entry of a `map<string, string>`. */
function writeMapEntry(writer: ReverseWriter, field: number, key: string, value: string): void {
  const mark = writer.size;
  writer.mapString(2, value);
  writer.mapString(1, key);
  writer.message(field, mark);
}
