import { BlockList, isIP } from "node:net";

/**
 * Addresses that never belong to a service of the cluster. Whoever writes DNS records may point a
 * name at them, so they are always refused (DNS rebinding).
 *
 * Most clouds serve the credentials of a machine at 169.254.169.254 or another link-local address.
 * The others below are as the clouds document them: Amazon ("Use IMDS", and "Set up the Amazon EKS
 * Pod Identity Agent"), Azure ("What is IP address 168.63.129.16?"), Google ("About VM metadata":
 * IPv6-only instances), Alibaba ("Instance metadata"), Oracle ("Instance Metadata Service";
 * 192.0.0.192 is that of Oracle Cloud Classic), Scaleway and Linode (their cloud-init data
 * sources).
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
  ["64:ff9b:1::", 48, "ipv6"], // NAT64 with a prefix of one's own (RFC 8215)
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

// One list per family: a BlockList compares an IPv4 address with IPv6 rules in its mapped form, so
// `::ffff:0:0/96` would refuse all of IPv4.
const NEVER = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const [network, prefix, family] of NEVER_A_SERVICE) NEVER[family].addSubnet(network, prefix, family);

/**
 * Whether the address can never be a service of the cluster. {@link isLoopback Loopback} is not
 * included.
 */
export function isNeverAService(address: string): boolean {
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  return NEVER[family].check(address, family);
}

/** Standalone, services may listen on loopback; in a cluster none does. */
export function isLoopback(address: string): boolean {
  return (isIP(address) === 4 && address.startsWith("127.")) || address === "::1";
}

/**
 * IPv4 networks that are not globally reachable (RFC 6890, RFC 6598), so that pods may have their
 * addresses.
 */
const PRIVATE_NETWORKS: readonly (readonly [network: string, prefix: number])[] = [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["192.0.0.0", 24],
  ["198.18.0.0", 15],
  ["240.0.0.0", 4],
];

/** Networks for documentation (RFC 5737). Nobody uses them, so no real host becomes unreachable. */
const DOCUMENTATION_NETWORKS: typeof PRIVATE_NETWORKS = [
  ["192.0.2.0", 24],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
];

const PRIVATE = ipv4List(PRIVATE_NETWORKS);
const DOCUMENTATION = ipv4List(DOCUMENTATION_NETWORKS);

/**
 * Whether an address of which nothing else is known can count as one outside of the cluster. Never
 * for IPv6, where pods usually have global addresses.
 */
export function mayBeOutside(address: string): boolean {
  return isIP(address) === 4 && !PRIVATE.check(address, "ipv4");
}

/** Whether others may reach the address outside of the cluster. */
export function isPublicAddress(address: string): boolean {
  return mayBeOutside(address) && !DOCUMENTATION.check(address, "ipv4");
}

function ipv4List(networks: typeof PRIVATE_NETWORKS): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, "ipv4");
  return list;
}
