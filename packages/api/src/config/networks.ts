/** Addresses and networks as text, as expressions alone: Helm reads them, too. */
import { z } from "zod";

const OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const IPV4 = `${OCTET}(?:\\.${OCTET}){3}`;
const HEX = "[0-9A-Fa-f]{1,4}";
/** All eight groups, or fewer with `::` between. */
const IPV6_GROUPS = [
  `(?:${HEX}:){7}${HEX}`,
  `(?:${HEX}:){1,7}:`,
  ...[1, 2, 3, 4, 5, 6].map((after) => `(?:${HEX}:){1,${7 - after}}(?::${HEX}){1,${after}}`),
  `:(?::${HEX}){1,7}`,
  "::",
].join("|");
/** An IPv4 address may be written in one of IPv6. */
const IPV6 = `${IPV6_GROUPS}|::(?:[Ff]{4}:)?${IPV4}`;

/** An address, with or without a prefix length. */
export const CIDR = `${IPV4}(?:/(?:3[0-2]|[12]?[0-9]))?|(?:${IPV6})(?:/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9]))?`;

/** A network with its prefix length. Not one of length 0, which would be every address there is. */
export const Network = z
  .string()
  .regex(
    new RegExp(`^(?:${IPV4}/(?:3[0-2]|[12][0-9]|[1-9])|(?:${IPV6_GROUPS})/(?:12[0-8]|1[01][0-9]|[1-9][0-9]?))$`),
    "not a range of addresses: a CIDR such as 10.0.0.0/16 or fd00:10::/48, with a prefix length of 1 at least",
  );
