import { z } from "zod";

const NAME = "[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?";
/** The last label has something else than digits, or it would be a mistyped address. */
const LAST_NAME = "(?:[A-Za-z_]|[0-9]+[A-Za-z_]|[0-9]+-+[A-Za-z0-9_])(?:[A-Za-z0-9_-]*[A-Za-z0-9_])?";
const OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const IPV4 = `${OCTET}(?:\\.${OCTET}){3}`;
const HEX = "[0-9A-Fa-f]{1,4}";
/** All eight groups, or fewer with `::` between; an IPv4 address may be written in one of IPv6. */
const IPV6 = [
  `(?:${HEX}:){7}${HEX}`,
  `(?:${HEX}:){1,7}:`,
  ...[1, 2, 3, 4, 5, 6].map((after) => `(?:${HEX}:){1,${7 - after}}(?::${HEX}){1,${after}}`),
  `:(?::${HEX}){1,7}`,
  "::",
  `::(?:[Ff]{4}:)?${IPV4}`,
].join("|");
const CIDR = `${IPV4}(?:/(?:3[0-2]|[12]?[0-9]))?|(?:${IPV6})(?:/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9]))?`;

/**
 * A host name, with `*.` in front for every name below it, or an address with or without a prefix
 * length. An expression alone: Helm reads it, too.
 */
export const ExternalEntry = z
  .string()
  .regex(new RegExp(`^(?:(?:\\*\\.)?(?:${NAME}\\.)*${LAST_NAME}\\.?|${CIDR})$`), "neither a host name nor a CIDR");
