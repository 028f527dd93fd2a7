import type { AddressUpdate, MeshAddress, ServiceEndpoint } from "@fenceline/api/vocabulary";
import { MAX_MESSAGE_BYTES, ReverseWriter, StringCache, WIRE, WireReader } from "@fenceline/wire";

/**
 * Server-streaming method of the collector: all addresses of the mesh, then changes. The request
 * has no fields.
 */
export const WATCH_ADDRESSES = "/fenceline.v1.MeshAddresses/Watch";

/**
 * The message, as in a `.proto`:
 *
 *     message AddressUpdate {
 *       message Endpoint { uint32 port = 1; string address = 2; uint32 target_port = 3; }
 *       message Sidecar { repeated string hosts = 1; }
 *       message Address {
 *         string address = 1;
 *         uint32 kinds = 2;
 *         repeated uint32 ports = 3 [packed = false];
 *         repeated Endpoint leads_to = 4;
 *         repeated Sidecar sidecars = 5;
 *         repeated string hosts = 6;
 *         repeated string accounts = 7;
 *       }
 *       bool reset = 1;
 *       bool complete = 2;
 *       repeated Address addresses = 3;
 *       repeated string removed = 4;
 *     }
 */
const RESET = 1;
const COMPLETE = 2;
const ADDRESSES = 3;
const REMOVED = 4;
const ADDRESS = 1;
const KINDS = 2;
const PORTS = 3;
const LEADS_TO = 4;
const SIDECARS = 5;
const HOSTS = 6;
const ACCOUNTS = 7;
const SIDECAR_HOSTS = 1;
const ENDPOINT_PORT = 1;
const ENDPOINT_ADDRESS = 2;
const TARGET_PORT = 3;

const tagOf = (field: number, type: number): number => (field << 3) | type;

/** One writer and one reader for all: both are synchronous and have no callbacks. */
const writer = new ReverseWriter();
const reader = new WireReader(new StringCache());
const NOTHING = Buffer.alloc(0);

export function encodeAddressUpdate({ reset, complete, addresses, removed }: AddressUpdate): Buffer {
  for (const address of removed.toReversed()) writer.string(REMOVED, address);
  for (const { address, kinds, ports, leadsTo = [], sidecars = [], hosts = [], accounts = [] } of addresses.toReversed()) {
    const mark = writer.size;
    for (const account of accounts.toReversed()) writer.string(ACCOUNTS, account);
    for (const host of hosts.toReversed()) writer.string(HOSTS, host);
    for (const sidecar of sidecars.toReversed()) writeSidecar(sidecar);
    for (const endpoint of leadsTo.toReversed()) writeEndpoint(endpoint);
    for (const port of ports.toReversed()) writer.uint32(PORTS, port);
    writer.uint32(KINDS, kinds);
    writer.string(ADDRESS, address);
    writer.message(ADDRESSES, mark);
  }
  writer.uint32(COMPLETE, complete ? 1 : 0);
  writer.uint32(RESET, reset ? 1 : 0);
  return writer.take();
}

function writeEndpoint({ port, address, targetPort }: ServiceEndpoint): void {
  const mark = writer.size;
  writer.uint32(TARGET_PORT, targetPort);
  writer.string(ENDPOINT_ADDRESS, address);
  writer.uint32(ENDPOINT_PORT, port);
  writer.message(LEADS_TO, mark);
}

function writeSidecar(hosts: readonly string[]): void {
  const mark = writer.size;
  for (const host of hosts.toReversed()) writer.string(SIDECAR_HOSTS, host);
  writer.message(SIDECARS, mark);
}

/** @returns undefined if it is no such message: no part of it is used then */
export function decodeAddressUpdate(bytes: Buffer): AddressUpdate | undefined {
  if (bytes.length > MAX_MESSAGE_BYTES) return undefined;
  const update = { reset: false, complete: false, addresses: [] as MeshAddress[], removed: [] as string[] };
  reader.reset(bytes);
  while (reader.at < bytes.length) {
    const tag = reader.tag();
    if (tag === tagOf(ADDRESSES, WIRE.LEN)) update.addresses.push(readAddress(bytes.length));
    else if (tag === tagOf(REMOVED, WIRE.LEN)) update.removed.push(reader.string(bytes.length));
    else if (tag === tagOf(RESET, WIRE.VARINT)) update.reset = reader.bool();
    else if (tag === tagOf(COMPLETE, WIRE.VARINT)) update.complete = reader.bool();
    else reader.skip(tag, bytes.length);
  }
  const isWhole = reader.at === bytes.length;
  reader.reset(NOTHING);
  return isWhole ? update : undefined;
}

function readAddress(outerEnd: number): MeshAddress {
  const end = reader.open(outerEnd);
  const read: ReadAddress = { address: "", kinds: 0, ports: [], leadsTo: [], sidecars: [], hosts: [], accounts: [] };
  while (reader.at < end) readAddressField(reader.tag(), end, read);
  reader.close(end);
  const { address, kinds, ports, leadsTo, sidecars, hosts, accounts } = read;
  return {
    ...{ address, kinds, ports },
    ...(leadsTo.length > 0 && { leadsTo }),
    ...(sidecars.length > 0 && { sidecars }),
    ...(hosts.length > 0 && { hosts }),
    ...(accounts.length > 0 && { accounts }),
  };
}

/** An address while it is read. */
interface ReadAddress {
  address: string;
  kinds: number;
  readonly ports: number[];
  readonly leadsTo: ServiceEndpoint[];
  readonly sidecars: (readonly string[])[];
  readonly hosts: string[];
  readonly accounts: string[];
}

function readAddressField(tag: number, end: number, read: ReadAddress): void {
  if (tag === tagOf(ADDRESS, WIRE.LEN)) read.address = reader.string(end);
  else if (tag === tagOf(KINDS, WIRE.VARINT)) read.kinds = reader.varint32();
  else if (tag === tagOf(PORTS, WIRE.VARINT)) read.ports.push(reader.varint32());
  else if (tag === tagOf(LEADS_TO, WIRE.LEN)) read.leadsTo.push(readEndpoint(end));
  else if (tag === tagOf(SIDECARS, WIRE.LEN)) read.sidecars.push(readSidecar(end));
  else if (tag === tagOf(HOSTS, WIRE.LEN)) read.hosts.push(reader.string(end));
  else if (tag === tagOf(ACCOUNTS, WIRE.LEN)) read.accounts.push(reader.string(end));
  else reader.skip(tag, end);
}

function readSidecar(outerEnd: number): readonly string[] {
  const end = reader.open(outerEnd);
  const hosts: string[] = [];
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === tagOf(SIDECAR_HOSTS, WIRE.LEN)) hosts.push(reader.string(end));
    else reader.skip(tag, end);
  }
  reader.close(end);
  return hosts;
}

function readEndpoint(outerEnd: number): ServiceEndpoint {
  const end = reader.open(outerEnd);
  let port = 0;
  let address = "";
  let targetPort = 0;
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === tagOf(ENDPOINT_PORT, WIRE.VARINT)) port = reader.varint32();
    else if (tag === tagOf(ENDPOINT_ADDRESS, WIRE.LEN)) address = reader.string(end);
    else if (tag === tagOf(TARGET_PORT, WIRE.VARINT)) targetPort = reader.varint32();
    else reader.skip(tag, end);
  }
  reader.close(end);
  return { port, address, targetPort };
}
