/** The result of a full decoder, in the form of ours. */
import { isUtf8 } from "node:buffer";
import { FENCE_SOURCE, REQUESTS_TAG } from "@fenceline/api/vocabulary";
import type { EnvoyNode } from "@fenceline/wire";
import protobuf from "protobufjs";
import type { AccessLogEntry, SocketAddress, StreamIdentifier } from "../access-log-entry.ts";

type MapOnWire = Record<string, string> | { key?: Uint8Array; value?: Uint8Array }[];
type Value = { kind?: string; stringValue?: string; structValue?: { fields?: Record<string, Value> } };
type Address = { address?: string; socketAddress?: { address?: string; portValue?: number } };
interface Common {
  downstreamRemoteAddress?: Address;
  downstreamLocalAddress?: Address;
  downstreamDirectRemoteAddress?: Address;
  tlsProperties?: { tlsSniHostname?: string; peerCertificateProperties?: { subjectAltName?: { uri?: string }[] } };
  upstreamCluster?: string;
  customTags?: MapOnWire;
  intermediateLogEntry?: boolean;
  accessLogType?: number;
}
interface Entry {
  commonProperties?: Common;
  request?: { authority?: string; requestHeaders?: MapOnWire };
  response?: { responseCode?: { value?: number } };
}
interface Message {
  identifier?: { logName?: string; node?: { id?: string; cluster?: string; metadata?: { fields?: Record<string, Value> } } };
  httpLogs?: { logEntry?: Entry[] };
  tcpLogs?: { logEntry?: Entry[] };
}

export interface ReferenceView {
  readonly identifier: StreamIdentifier | undefined;
  readonly entries: readonly AccessLogEntry[];
}

/** Decodes with protobufjs and converts; undefined when it refuses the bytes. */
export function referenceView(schema: protobuf.Type, bytes: Uint8Array): ReferenceView | undefined {
  try {
    return view(schema.decode(strictReader(bytes)) as Message);
  } catch {
    return undefined;
  }
}

/**
 * protobufjs skips a varint of any length. protobuf's own decoders refuse one that is longer than
 * ten bytes.
 */
function strictReader(bytes: Uint8Array): protobuf.Reader {
  const reader = protobuf.Reader.create(bytes);
  const skip = reader.skip.bind(reader);
  reader.skip = (length) => {
    const start = reader.pos;
    skip(length);
    if (length === undefined && reader.pos - start > 10) throw new Error("a varint of more than ten bytes");
    return reader;
  };
  return reader;
}

function view(message: Message): ReferenceView {
  const http = own(message, "httpLogs")?.logEntry ?? [];
  const tcp = own(message, "tcpLogs")?.logEntry ?? [];
  return {
    identifier: identifier(own(message, "identifier")),
    entries: [...http.map((entry) => viewEntry("http", entry)), ...tcp.map((entry) => viewEntry("tcp", entry))],
  };
}

/** protobufjs puts defaults on prototypes: null for an absent message. */
function own<T extends object, K extends keyof T>(message: T | null | undefined, key: K): T[K] | undefined {
  return message?.[key] ?? undefined;
}

function identifier(source: Message["identifier"]): StreamIdentifier | undefined {
  if (source === undefined) return undefined;
  const node = own(source, "node");
  const fields = own(own(node, "metadata"), "fields") ?? {};
  const text = (key: string) => own(Object.hasOwn(fields, key) ? fields[key] : undefined, "stringValue") ?? "";
  const result: EnvoyNode = {
    id: node?.id ?? "",
    cluster: node?.cluster ?? "",
    namespace: text("NAMESPACE"),
    labels: labels(Object.hasOwn(fields, "LABELS") ? fields.LABELS : undefined),
    istioVersion: text("ISTIO_VERSION"),
    serviceAccount: text("SERVICE_ACCOUNT"),
    workloadName: text("WORKLOAD_NAME"),
  };
  return { logName: source.logName ?? "", node: result };
}

function labels(value: Value | undefined): Record<string, string> {
  const fields = Object.entries(own(own(value, "structValue"), "fields") ?? {});
  return Object.fromEntries(fields.flatMap(([key, field]) => (field.kind === "stringValue" ? [[key, field.stringValue ?? ""]] : [])));
}

function viewEntry(kind: "http" | "tcp", entry: Entry): AccessLogEntry {
  const common = own(entry, "commonProperties");
  const request = kind === "http" ? own(entry, "request") : undefined;
  const tls = own(common, "tlsProperties");
  const names = own(own(tls, "peerCertificateProperties"), "subjectAltName") ?? [];
  const requests = mapValue(common?.customTags, REQUESTS_TAG) ?? "";
  return {
    kind,
    upstreamCluster: common?.upstreamCluster ?? "",
    downstreamLocalAddress: address(own(common, "downstreamLocalAddress")),
    downstreamDirectRemoteAddress: address(own(common, "downstreamDirectRemoteAddress")) ?? address(own(common, "downstreamRemoteAddress")),
    authority: request?.authority ?? "",
    responseCode: (kind === "http" ? own(own(own(entry, "response"), "responseCode"), "value") : undefined) ?? 0,
    sni: tls?.tlsSniHostname ?? "",
    peerUris: names.map(({ uri }) => uri ?? "").filter((uri) => uri !== ""),
    fenceSource: mapValue(request?.requestHeaders, FENCE_SOURCE) ?? "",
    requests: /^[1-9]\d{0,8}$/.test(requests) ? Number(requests) : 1,
    intermediate: common?.intermediateLogEntry === true || [1, 2, 4, 5, 7, 8, 10, 11, 12].includes(common?.accessLogType ?? 0),
  };
}

function address(source: Address | undefined): SocketAddress | undefined {
  const socket = own(source, "socketAddress");
  return socket === undefined ? undefined : { address: socket.address ?? "", port: socket.portValue ?? 0 };
}

/**
 * The last value under a key, from protobufjs' own map or from a map spelled out as entries of
 * bytes.
 */
function mapValue(map: MapOnWire | undefined, wanted: string): string | undefined {
  if (map === undefined) return undefined;
  if (!Array.isArray(map)) return Object.hasOwn(map, wanted) ? map[wanted] : undefined;
  const values = map.filter(({ key }) => Buffer.from(key ?? []).equals(Buffer.from(wanted))).map(({ value }) => Buffer.from(value ?? []));
  if (!values.every((value) => isUtf8(value))) throw new Error("not UTF-8");
  return values.at(-1)?.toString("utf8");
}
