import { ReverseWriter, StringCache, WIRE, WireReader, writeNode } from "@fenceline/wire";

/** What a proxy refuses of one type of configuration. */
export interface Rejection {
  /** `LDS`, `CDS`, `RDS`, `EDS`, or another type that istiod sends. */
  readonly type: string;
  /** Envoy's own words; if they are many, the first ones. */
  readonly words: string;
}

/** A proxy that is connected to an istiod. */
export interface ProxySync {
  /** Name of its pod. */
  readonly name: string;
  readonly namespace: string;
  /** Empty while it has accepted everything. */
  readonly rejections: readonly Rejection[];
}

/** An answer of istiod. */
export interface SyncStatus {
  /** Identifies the answer in the next question. */
  readonly nonce: string;
  readonly proxies: readonly ProxySync[];
}

/** For this type istiod answers with a message for each proxy that is connected to it. */
const SYNC_TYPE = "istio.io/debug/syncz";
/** Longest text of Envoy that is kept, in bytes. A condition shows less. */
const MOST_WORDS = 1_024;
/** Names of configurations by their type, as in istioctl. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  "type.googleapis.com/envoy.config.listener.v3.Listener": "LDS",
  "type.googleapis.com/envoy.config.cluster.v3.Cluster": "CDS",
  "type.googleapis.com/envoy.config.route.v3.RouteConfiguration": "RDS",
  "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment": "EDS",
  "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig": "ECDS",
  "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret": "SDS",
};

/**
 * Fields of `envoy.service.discovery.v3.DiscoveryRequest` and `DiscoveryResponse`, and of
 * `envoy.service.status.v3.ClientConfig` with its `GenericXdsConfig` and `UpdateFailureState`.
 */
const REQUEST = { node: 2, typeUrl: 4, nonce: 5 } as const;
const RESPONSE = { resources: 2, nonce: 5 } as const;
const ANY_VALUE = 2;
const CLIENT = { node: 1, configs: 3 } as const;
const NODE_ID = 1;
const CONFIG = { typeUrl: 1, errorState: 8 } as const;
const ERROR_DETAILS = 3;

const tagOf = (field: number): number => (field << 3) | WIRE.LEN;

const writer = new ReverseWriter();
const reader = new WireReader(new StringCache());
const NOTHING = Buffer.alloc(0);

/**
 * Asks istiod for the state of all proxies that are connected to it. It answers each question once.
 *
 * @param own who asks. istiod accepts no stream of a node that it cannot read, and compares the
 * namespace with the token's
 * @param nonce of the answer before; undefined for the first question of a stream, which alone
 * names who asks
 */
export function syncQuestion(own: { readonly name: string; readonly namespace: string }, nonce?: string): Buffer {
  if (nonce !== undefined) writer.string(REQUEST.nonce, nonce);
  writer.string(REQUEST.typeUrl, SYNC_TYPE);
  if (nonce === undefined) {
    const { name, namespace } = own;
    writeNode(writer, { id: `sidecar~0.0.0.0~${name}.${namespace}~${namespace}.svc`, namespace }, REQUEST.node);
  }
  return writer.take();
}

/** @returns undefined where any part cannot be read: then nothing of it is believed */
export function readSyncStatus(bytes: Buffer): SyncStatus | undefined {
  const proxies: ProxySync[] = [];
  let nonce = "";
  reader.reset(bytes);
  while (reader.at < bytes.length) {
    const tag = reader.tag();
    if (tag === tagOf(RESPONSE.resources)) readResource(bytes.length, proxies);
    else if (tag === tagOf(RESPONSE.nonce)) nonce = reader.string(bytes.length);
    else reader.skip(tag, bytes.length);
  }
  const isWhole = reader.at === bytes.length;
  reader.reset(NOTHING);
  return isWhole ? { nonce, proxies } : undefined;
}

/** An `Any` with a `ClientConfig`. */
function readResource(outerEnd: number, proxies: ProxySync[]): void {
  const end = reader.open(outerEnd);
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag !== tagOf(ANY_VALUE)) {
      reader.skip(tag, end);
      continue;
    }
    const proxy = readClientConfig(end);
    if (proxy !== undefined) proxies.push(proxy);
  }
  reader.close(end);
}

/** Undefined for a proxy whose node names no pod. */
function readClientConfig(outerEnd: number): ProxySync | undefined {
  const end = reader.open(outerEnd);
  const rejections: Rejection[] = [];
  let id = "";
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === tagOf(CLIENT.node)) id = readNodeId(end);
    else if (tag === tagOf(CLIENT.configs)) readConfig(end, rejections);
    else reader.skip(tag, end);
  }
  reader.close(end);
  const pod = podOf(id);
  return pod && { ...pod, rejections };
}

function readNodeId(outerEnd: number): string {
  const end = reader.open(outerEnd);
  let id = "";
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === tagOf(NODE_ID)) id = reader.string(end);
    else reader.skip(tag, end);
  }
  reader.close(end);
  return id;
}

function readConfig(outerEnd: number, rejections: Rejection[]): void {
  const end = reader.open(outerEnd);
  let type = "";
  let words = "";
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === tagOf(CONFIG.typeUrl)) type = reader.string(end);
    else if (tag === tagOf(CONFIG.errorState)) words = readErrorDetails(end);
    else reader.skip(tag, end);
  }
  reader.close(end);
  if (words !== "") rejections.push({ type: SHORT_NAMES[type] ?? type, words });
}

function readErrorDetails(outerEnd: number): string {
  const end = reader.open(outerEnd);
  let words = "";
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === tagOf(ERROR_DETAILS)) words = reader.beginning(end, MOST_WORDS);
    else reader.skip(tag, end);
  }
  reader.close(end);
  return words;
}

/** istiod names a proxy by its pod, `a-5f.test1`: a pod's name may have dots, a namespace none. */
function podOf(id: string): Pick<ProxySync, "name" | "namespace"> | undefined {
  const dot = id.lastIndexOf(".");
  return dot <= 0 || dot === id.length - 1 ? undefined : { name: id.slice(0, dot), namespace: id.slice(dot + 1) };
}
