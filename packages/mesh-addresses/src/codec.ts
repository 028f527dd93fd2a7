import type { AddressUpdate, MeshAddress } from "@fenceline/api/vocabulary";
import { MAX_MESSAGE_BYTES, ReverseWriter, StringCache, WIRE, WireReader } from "@fenceline/wire";

/**
 * Server-streaming method of the collector: a whole view of the mesh's addresses, then changes. The
 * request has no fields.
 */
export const WATCH_ADDRESSES = "/fenceline.v1.MeshAddresses/Watch";

/**
 * The message, as a `.proto` would say it:
 *
 *     message AddressUpdate {
 *       message Address {
 *         string address = 1; uint32 kinds = 2; repeated uint32 ports = 3 [packed = false];
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

const tagOf = (field: number, type: number): number => (field << 3) | type;

/** One writer and one reader for all: both are synchronous and call nobody back. */
const writer = new ReverseWriter();
const reader = new WireReader(new StringCache());
const NOTHING = Buffer.alloc(0);

export function encodeAddressUpdate({ reset, complete, addresses, removed }: AddressUpdate): Buffer {
  for (const address of removed.toReversed()) writer.string(REMOVED, address);
  for (const { address, kinds, ports } of addresses.toReversed()) {
    const mark = writer.size;
    for (const port of ports.toReversed()) writer.uint32(PORTS, port);
    writer.uint32(KINDS, kinds);
    writer.string(ADDRESS, address);
    writer.message(ADDRESSES, mark);
  }
  writer.uint32(COMPLETE, complete ? 1 : 0);
  writer.uint32(RESET, reset ? 1 : 0);
  return writer.take();
}

/** @returns undefined for what is no such message: it is not believed in part */
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
  const ports: number[] = [];
  let address = "";
  let kinds = 0;
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === tagOf(ADDRESS, WIRE.LEN)) address = reader.string(end);
    else if (tag === tagOf(KINDS, WIRE.VARINT)) kinds = reader.varint32();
    else if (tag === tagOf(PORTS, WIRE.VARINT)) ports.push(reader.varint32());
    else reader.skip(tag, end);
  }
  reader.close(end);
  return { address, kinds, ports };
}
