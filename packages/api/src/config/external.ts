import { z } from "zod";
import { CIDR } from "./networks.ts";

const NAME = "[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?";
/** The last label has something else than digits, or it would be a mistyped address. */
const LAST_NAME = "(?:[A-Za-z_]|[0-9]+[A-Za-z_]|[0-9]+-+[A-Za-z0-9_])(?:[A-Za-z0-9_-]*[A-Za-z0-9_])?";
/**
 * A host name, with `*.` in front for every name below it, or an address with or without a prefix
 * length. An expression alone: Helm reads it, too.
 */
const ExternalEntry = z
  .string()
  .regex(new RegExp(`^(?:(?:\\*\\.)?(?:${NAME}\\.)*${LAST_NAME}\\.?|${CIDR})$`), "neither a host name nor a CIDR");

const EXTERNAL_MODES = ["Forward", "Refuse"] as const;

export const External = z.strictObject({
  mode: z
    .enum(EXTERNAL_MODES)
    .default("Forward")
    .describe(
      "What the global sidecar does with calls to hosts and addresses outside of the mesh. Forward: forwards them for fenced callers whose identity matches, as Istio's passthrough would; but never to nodes, the API server, cloud metadata, or where the caller's outboundTrafficPolicy is REGISTRY_ONLY. Refuse: refuses all but those in `allow`.",
    ),
  allow: z
    .array(ExternalEntry)
    .default([])
    .describe(
      "Hosts (partner.example, *.partner.example) and CIDRs that are forwarded in mode Refuse. A host that is listed by name is resolved by that name.",
    ),
  deny: z
    .array(ExternalEntry)
    .default([])
    .describe(
      "Hosts and CIDRs outside of the mesh that are refused in both modes. A host is compared only with the name in the request: a call to its address by another name passes, unless a CIDR denies the address.",
    ),
});
