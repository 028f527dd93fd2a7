import { isIP } from "node:net";

/** Addresses that share their first bits; a single address shares all of them. */
export interface AddressRange {
  /** In Envoy's notation: without host bits, IPv6 in its shortest form. */
  readonly network: string;
  readonly bits: number;
  readonly version: 4 | 6;
}

/** An address or a range (`10.0.0.0/8`); undefined when it is neither. */
export function parseRange(text: string): AddressRange | undefined {
  const [address = "", length, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || address.includes("%") || rest.length > 0) return undefined;
  const most = version === 4 ? 32 : 128;
  if (length !== undefined && !/^(0|[1-9][0-9]{0,2})$/.test(length)) return undefined;
  const bits = length === undefined ? most : Number(length);
  if (bits > most) return undefined;
  const parts = version === 4 ? address.split(".").map(Number) : groupsOf(address);
  const width = version === 4 ? 8 : 16;
  const network = parts.map((part, index) => part & maskOf(bits - index * width, width));
  return { network: version === 4 ? network.join(".") : shortest(network), bits, version: version === 4 ? 4 : 6 };
}

/** Whether it is a single address. */
export function isSingle({ bits, version }: AddressRange): boolean {
  return bits === (version === 4 ? 32 : 128);
}

function maskOf(bits: number, width: number): number {
  const kept = Math.min(Math.max(bits, 0), width);
  return ((1 << width) - 1) ^ ((1 << (width - kept)) - 1);
}

/** The eight groups of an IPv6 address in any of its forms. */
function groupsOf(address: string): number[] {
  const [head = "", tail] = shortForm(address).split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? [] : Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
}

function shortest(groups: readonly number[]): string {
  return shortForm(groups.map((group) => group.toString(16)).join(":"));
}

/** RFC 5952, as the URL standard serialises a host. */
function shortForm(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
