import { BlockList, isIP } from "node:net";
import { ADDRESS_KIND } from "@fenceline/api/vocabulary";
import type { Statement } from "./address-statements.ts";

/**
 * An address behind a Service with a selector, which only pods are, that is in no range of pods and
 * no node's; undefined where there is none.
 */
export function outsideRanges(statements: ReadonlyMap<string, readonly Statement[]>): string | undefined {
  const ranges = new BlockList();
  for (const [address, parts] of statements) if (parts.some(({ kinds }) => kinds & ADDRESS_KIND.POD_RANGE)) add(ranges, address);
  for (const [address, parts] of statements) {
    const isPod = parts.some(({ kinds, of }) => kinds & ADDRESS_KIND.ENDPOINT && of?.hasSelector === true);
    const isNode = parts.some(({ kinds }) => kinds & ADDRESS_KIND.NODE);
    if (isPod && !isNode && !ranges.check(address, familyOf(address))) return address;
  }
  return undefined;
}

/** A range that cannot be read, of a node, has no addresses. */
function add(ranges: BlockList, range: string): void {
  const [address = "", prefix = ""] = range.split("/");
  const bits = Number(prefix);
  const most = isIP(address) === 6 ? 128 : 32;
  if (isIP(address) !== 0 && prefix !== "" && bits >= 0 && bits <= most) ranges.addSubnet(address, bits, familyOf(address));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}
