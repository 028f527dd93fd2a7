import { BlockList, isIP } from "node:net";
import { Refusal } from "../refusal.ts";
import type { Address } from "../resolve/resolver.ts";

/** Addresses that are never a service of the cluster. Names come and go with whoever writes DNS records; these stay refused (DNS rebinding). */
const NEVER_A_SERVICE: readonly (readonly [network: string, prefix: number, family: "ipv4" | "ipv6"])[] = [
  ["0.0.0.0", 8, "ipv4"], // "this host": Linux connects it to loopback
  ["169.254.0.0", 16, "ipv4"], // link-local, with the cloud metadata service 169.254.169.254
  ["224.0.0.0", 4, "ipv4"], // multicast
  ["255.255.255.255", 32, "ipv4"], // broadcast
  ["::", 96, "ipv6"], // unspecified and the IPv4-compatible addresses
  ["::ffff:0:0", 96, "ipv6"], // IPv4-mapped: a second spelling of every IPv4 address
  ["64:ff9b::", 96, "ipv6"], // NAT64: a third
  ["fe80::", 10, "ipv6"], // link-local
  ["ff00::", 8, "ipv6"], // multicast
  ["fd00:ec2::254", 128, "ipv6"], // EC2 metadata
];

/** Step 4 in front of the connect: undefined when the address may be dialled. */
export type AddressCheck = (address: Address) => Refusal | undefined;

/**
 * The check on resolved addresses. Verdicts are remembered per {@link Address} object, because resolvers hand out the same ones again.
 *
 * @param allowLoopback see ServingPolicy
 * @param isSelf whether the global sidecar itself listens there
 */
export function createAddressCheck(allowLoopback: boolean, isSelf: (address: Address) => boolean): AddressCheck {
  // One list per family: a BlockList compares an IPv4 address with IPv6 rules by way of its mapped form, so `::ffff:0:0/96` would refuse all of IPv4.
  const refused = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const [network, prefix, family] of NEVER_A_SERVICE) refused[family].addSubnet(network, prefix, family);
  const loopback = { ipv4: new BlockList(), ipv6: new BlockList() };
  loopback.ipv4.addSubnet("127.0.0.0", 8, "ipv4");
  loopback.ipv6.addAddress("::1", "ipv6");
  const verdicts = new WeakMap<Address, Refusal | "allowed">();

  function judge(candidate: Address): Refusal | "allowed" {
    const { address } = candidate;
    const version = isIP(address);
    if (version === 0) return new Refusal("ADDRESS_REFUSED", "the endpoint is not an IP address");
    const family = version === 6 ? "ipv6" : "ipv4";
    if (isSelf(candidate)) return new Refusal("DESTINATION_IS_SELF", "the host resolves to the global sidecar itself");
    if (allowLoopback && loopback[family].check(address, family)) return "allowed";
    const never = loopback[family].check(address, family) || refused[family].check(address, family);
    return never ? new Refusal("ADDRESS_REFUSED", "the host resolves to an address that no service can have") : "allowed";
  }

  return (address) => {
    let verdict = verdicts.get(address);
    if (verdict === undefined) {
      verdict = judge(address);
      verdicts.set(address, verdict);
    }
    return verdict === "allowed" ? undefined : verdict;
  };
}
