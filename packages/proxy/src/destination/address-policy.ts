import { BlockList, isIP } from "node:net";
import { Refusal } from "../refusals/refusal.ts";
import type { Address } from "../resolve/resolver.ts";

/**
 * Addresses that are never a service of the cluster. Names come and go with whoever writes DNS
 * records; these stay refused (DNS rebinding).
 *
 * Most clouds serve the credentials of a machine at 169.254.169.254 or another link-local address.
 * Those below that are not link-local, as the clouds document them: Amazon ("Use IMDS", and "Set up
 * the Amazon EKS Pod Identity Agent"), Azure ("What is IP address 168.63.129.16?"), Google ("About
 * VM metadata": IPv6-only instances), Alibaba ("Instance metadata"), Oracle ("Instance Metadata
 * Service"; 192.0.0.192 is that of Oracle Cloud Classic), Scaleway and Linode (their cloud-init
 * data sources).
 */
const NEVER_A_SERVICE: readonly (readonly [network: string, prefix: number, family: "ipv4" | "ipv6"])[] = [
  ["0.0.0.0", 8, "ipv4"], // "this host": Linux connects it to loopback
  ["169.254.0.0", 16, "ipv4"], // link-local, with the cloud metadata service 169.254.169.254
  ["100.100.100.200", 32, "ipv4"], // Alibaba: metadata
  ["168.63.129.16", 32, "ipv4"], // Azure: WireServer
  ["192.0.0.0", 24, "ipv4"], // IETF protocol assignments (RFC 6890), with 192.0.0.192
  ["192.88.99.0", 24, "ipv4"], // 6to4 relays (RFC 7526)
  ["224.0.0.0", 4, "ipv4"], // multicast
  ["255.255.255.255", 32, "ipv4"], // broadcast
  ["::", 96, "ipv6"], // unspecified and the IPv4-compatible addresses
  ["::ffff:0:0", 96, "ipv6"], // IPv4-mapped: a second spelling of every IPv4 address
  ["::ffff:0:0:0", 96, "ipv6"], // IPv4-translated (RFC 2765)
  ["64:ff9b::", 96, "ipv6"], // NAT64 (RFC 6052)
  ["64:ff9b:1::", 48, "ipv6"], // NAT64 of a network's own (RFC 8215)
  ["2001::", 32, "ipv6"], // Teredo
  ["2002::", 16, "ipv6"], // 6to4
  ["fe80::", 10, "ipv6"], // link-local
  ["fec0::", 10, "ipv6"], // site-local, deprecated (RFC 3879)
  ["ff00::", 8, "ipv6"], // multicast
  ["fd00:ec2::", 32, "ipv6"], // Amazon: metadata, pod identity, time, DNS
  ["fd20:ce::254", 128, "ipv6"], // Google: metadata
  ["fd00:100::100:200", 128, "ipv6"], // Alibaba: metadata
  ["fd00:c1::a9fe:a9fe", 128, "ipv6"], // Oracle: metadata
  ["fd00:42::42", 128, "ipv6"], // Scaleway: metadata
  ["fd00:a9fe:a9fe::1", 128, "ipv6"], // Linode: metadata
];

/** What holds for an address whoever calls: undefined when it may be dialled. */
export type AddressCheck = (address: Address) => Refusal | undefined;

/**
 * The check on resolved addresses that needs to know nothing of the mesh.
 *
 * @param allowLoopback see ServingPolicy
 * @param isSelf whether Fenceline itself is there
 */
export function createAddressCheck(allowLoopback: boolean, isSelf: (address: Address) => boolean): AddressCheck {
  // One list per family: a BlockList compares an IPv4 address with IPv6 rules by way of its mapped
  // form, so `::ffff:0:0/96` would refuse all of IPv4.
  const refused = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const [network, prefix, family] of NEVER_A_SERVICE) refused[family].addSubnet(network, prefix, family);
  const loopback = { ipv4: new BlockList(), ipv6: new BlockList() };
  loopback.ipv4.addSubnet("127.0.0.0", 8, "ipv4");
  loopback.ipv6.addAddress("::1", "ipv6");

  return (candidate) => {
    const { address } = candidate;
    const version = isIP(address);
    if (version === 0) return new Refusal("ADDRESS_REFUSED", "the endpoint is not an IP address");
    const family = version === 6 ? "ipv6" : "ipv4";
    if (isSelf(candidate)) return new Refusal("DESTINATION_IS_SELF", "the host resolves to Fenceline itself");
    if (allowLoopback && loopback[family].check(address, family)) return undefined;
    const never = loopback[family].check(address, family) || refused[family].check(address, family);
    return never ? new Refusal("ADDRESS_REFUSED", "the host resolves to an address that no service can have") : undefined;
  };
}
