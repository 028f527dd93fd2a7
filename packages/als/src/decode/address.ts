import type { WireReader } from "@fenceline/wire";
import type { AddressDraft } from "./entry-draft.ts";

/**
 * Tags, `field number << 3 | wire type`, of `envoy.config.core.v3.Address` (same numbers in
 * `envoy.api.v2.core`).
 */
const SOCKET_ADDRESS = (1 << 3) | 2;
const PIPE = (2 << 3) | 2;
const INTERNAL_ADDRESS = (3 << 3) | 2;

/** … of `SocketAddress`. */
const ADDRESS = (2 << 3) | 2;
const PORT_VALUE = 3 << 3;
const NAMED_PORT = (4 << 3) | 2;

/**
 * An `Address` field, merged into an earlier one of the same field. Its three kinds are a oneof: a
 * later pipe unsets a socket address.
 */
export function readAddress(reader: WireReader, outerEnd: number, before: AddressDraft | undefined): AddressDraft | undefined {
  const end = reader.open(outerEnd);
  let current = before;
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === SOCKET_ADDRESS) {
      current ??= { address: "", port: 0 };
      readSocketAddress(reader, end, current);
    } else {
      if (tag === PIPE || tag === INTERNAL_ADDRESS) current = undefined;
      reader.skip(tag, end);
    }
  }
  reader.close(end);
  return current;
}

function readSocketAddress(reader: WireReader, outerEnd: number, address: AddressDraft): void {
  const end = reader.open(outerEnd);
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === ADDRESS) address.address = reader.string(end);
    else if (tag === PORT_VALUE) address.port = reader.varint32();
    else {
      // A oneof with the number: a port by name unsets it.
      if (tag === NAMED_PORT) address.port = 0;
      reader.skip(tag, end);
    }
  }
  reader.close(end);
}
