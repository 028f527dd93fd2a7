import { z } from "zod";
import { Ageing, SwitchOver } from "./config/ageing.ts";
import { AuthorizationPolicies } from "./config/authorization-policies.ts";
import { AutomaticFences } from "./config/automatic-fences.ts";
import { External } from "./config/external.ts";
import { DomainAliases, StableHosts } from "./config/fence-hosts.ts";
import { Limiters } from "./config/limiters.ts";
import { Network } from "./config/networks.ts";
import { CollectorService, Fallback } from "./config/own-services.ts";
import { Revisions } from "./config/revisions.ts";
import { Telemetry } from "./config/telemetry.ts";
import { SERVICE_ENTRY_MODES } from "./kinds/service-entry.ts";
import { LabelKey } from "./label-selector.ts";
import { NamespaceName } from "./object.ts";
import { DEFAULT_TRUST_DOMAIN } from "./peer-identity.ts";

/** As in SPIFFE: lower-case letters, digits and `.-_`, at most 255 characters. */
const TrustDomain = z
  .string()
  .max(255)
  .regex(/^[a-z0-9._-]+$/, "not a trust domain: lower-case letters, digits, '.', '-' and '_' only");

/** Names are compared in lower case and without a dot at the end. */
const DomainName = z
  .string()
  .max(253)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    "not a domain: lower-case labels with dots between, none at the end",
  );

const ON_DEMAND = ["auto", "always", "never"] as const;

/**
 * Domain of the cluster, in front of which names of Services stand: `<service>.<namespace>.svc.`,
 * with labels as DNS has them (RFC 1035 §2.3.4).
 */
const ClusterDomain = z
  .string()
  .max(120)
  .regex(
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/,
    "not a domain: lower-case labels of up to 63 characters with dots between, none at the end",
  );

/** The whole configuration. Every field has a default, so `{}` is a valid one. */
export const Config = z.strictObject({
  clusterDomain: ClusterDomain.default("cluster.local").describe("DNS domain of the cluster, up to 120 characters."),
  istioNamespace: NamespaceName.default("istio-system").describe("Namespace of Istio's control plane; every fence shows it."),
  rootNamespace: NamespaceName.optional().describe(
    "Istio's root namespace, as in meshConfig.rootNamespace: objects there apply to every namespace, so no fence in it is rendered. The root namespaces of `meshConfigMaps` are reserved, too. Default: these, else `istioNamespace`.",
  ),
  meshConfigMaps: z
    .array(DomainName)
    .min(1)
    .max(16)
    .optional()
    .describe(
      "ConfigMaps in `istioNamespace` with Istio's mesh configuration (key `mesh`), of which outboundTrafficPolicy, rootNamespace, the defaults of exportTo, discoverySelectors and the hosts that proxies call are read: one for each revision of the control plane, and one that they share. REGISTRY_ONLY in any of them holds at the global sidecar, too. Default: `istio`; in the chart `istio-<revision>` where `istio.revision` is set.",
    ),
  meshConfigMap: DomainName.optional().describe(
    "A further one of `meshConfigMaps`, by the name of the field when there was only one. If it is given alone, no other is read.",
  ),
  namespace: NamespaceName.default("fenceline").describe(
    "Namespace of Fenceline itself; every fence shows it, since otherwise the fallback could not be reached.",
  ),
  workloadLabel: LabelKey.default("app").describe(
    "Pod label that names the workload of a fence without a selector. Slime's `global.service`.",
  ),
  onDemand: z
    .enum(ON_DEMAND)
    .default("auto")
    .describe(
      "Envoy's on_demand filter, which lets a request wait for its cluster while a fence widens. It needs delta xDS (Istio 1.22). auto: when every proxy of the workload is known to be new enough.",
    ),
  serviceEntries: z
    .enum(SERVICE_ENTRY_MODES)
    .default("Visible")
    .describe(
      "How fences treat hosts of ServiceEntries by default. Visible: every fence shows those that are visible in its namespace, called or not. Learn: those that are called, as with Services; calls to a host that is not learned yet bypass Istio, without its configuration.",
    ),
  stableHosts: StableHosts.default([]).describe(
    "Hosts that every fence shows, called or not: a host, `*.example`, or `<namespace>/*`. They are in no fence's status. At most 1000. Slime's `stableHost`.",
  ),
  domainAliases: DomainAliases.default([]).describe(
    "Rules for further hosts of a fence: each learned or declared host that matches a pattern adds the hosts that the templates make of it, and removes them when it leaves. Slime's field. A rule that cannot be used is named in the log, and the others apply. At most 32.",
  ),
  trustDomain: TrustDomain.default(DEFAULT_TRUST_DOMAIN).describe(
    "Trust domain of the mesh, as Istio's meshConfig.trustDomain. Certificates of other trust domains are not trusted.",
  ),
  trustDomainAliases: z
    .array(TrustDomain)
    .max(64)
    .default([])
    .describe("Further trust domains whose certificates are trusted, as Istio's meshConfig.trustDomainAliases. At most 64."),
  podRanges: z
    .array(Network)
    .max(256)
    .default([])
    .describe(
      "Ranges of the addresses that pods have, as CIDRs of IPv4 and IPv6, beside the `podCIDR`s of nodes. Needed where the network plugin does not keep to these (the AWS VPC CNI, Calico's and Cilium's own IPAM); ranges of ClusterIPs may stand here as well. The global sidecar refuses an address in them unless a Service declares the port, or `external.allow` has the address. At most 256.",
    ),
  fallback: Fallback.prefault({}),
  external: External.prefault({}),
  collector: CollectorService.prefault({}),
  telemetry: Telemetry.prefault({}),
  ageing: Ageing.prefault({}),
  switchOver: SwitchOver.prefault({}),
  authorizationPolicies: AuthorizationPolicies.prefault({}),
  automaticFences: AutomaticFences.prefault({}),
  limiters: Limiters.prefault({}),
  revisions: Revisions.prefault({}),
});
export type Config = z.infer<typeof Config>;
