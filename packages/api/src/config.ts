import { z } from "zod";
import { durationMs } from "./duration.ts";
import { durationBetween } from "./duration-field.ts";
import { ExternalEntry } from "./external-entry.ts";
import { AUTOMATIC_FENCE_MODES, AUTOMATIC_FENCES, FENCED_LABEL } from "./kinds/automatic-fence.ts";
import { LabelKey } from "./label-key.ts";
import { NamespaceName, ObjectName } from "./object.ts";
import { DEFAULT_TRUST_DOMAIN } from "./peer-identity.ts";
import { Re2 } from "./re2.ts";

const Port = z.int().min(1).max(65_535);

const DISPATCH_LABEL = "[A-Za-z0-9_](?:[-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?";

/** A host as `:authority` spells it. Every port of it is meant, unless one is named. */
const DispatchDomain = z
  .string()
  .max(261)
  .regex(
    new RegExp(`^(?:(?:\\*\\.)?${DISPATCH_LABEL}(?:\\.${DISPATCH_LABEL})*\\.?|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]{1,5})?$`),
    "not a host: a name such as a.example or *.example, or an address",
  );

const Dispatch = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(253)
      .regex(/^[!-~](?:[ -~]*[!-~])?$/, "not a name of a route: printable ASCII, with no blank at either end")
      .describe("Name of the route, for Envoy's logs: up to 253 characters."),
    domains: z.array(DispatchDomain).default([]).describe("Hosts it is for: exact, or with a leading `*.`."),
    domainRegex: Re2.optional().describe(
      "RE2 expression that must match the whole `:authority`, port included. Up to 1024 characters. A route has this, `domains`, or both.",
    ),
    cluster: z
      .string()
      .min(1)
      .max(512)
      .regex(
        /^[!-~]+$/,
        "not a cluster of Envoy: printable ASCII without blanks, such as PassthroughCluster or outbound|80||b.test1.svc.cluster.local",
      )
      .describe("Envoy cluster to send them to; `_GLOBAL_SIDECAR` is the fallback."),
  })
  // Envoy refuses a listener with an empty expression.
  .refine(({ domains, domainRegex }) => domains.length > 0 || domainRegex !== undefined, {
    path: ["domains"],
    message: "expected a host, or an expression in domainRegex",
  })
  // The same for the chart's schema, which knows no refinements.
  .meta({ anyOf: [{ required: ["domainRegex"] }, { required: ["domains"], properties: { domains: { minItems: 1 } } }] });
export type Dispatch = z.infer<typeof Dispatch>;

export const Fallback = z.strictObject({
  service: ObjectName.default("global-sidecar").describe("Service of the global sidecar, in Fenceline's namespace."),
  serviceAccount: ObjectName.default("global-sidecar").describe("Its service account: reports are taken from that one only."),
  port: Port.default(80).describe("Port of that Service which fenced Envoys send unknown hosts to."),
  match: Re2.optional().describe(
    "RE2 expression on the whole `:authority` (port included) of unknown hosts that go to the fallback, up to 1024 characters. Default: names without a dot, two-label names, `*.svc`, `*.svc.<cluster domain>` and IP literals.",
  ),
  dispatches: z.array(Dispatch).default([]).describe("Routes in front of the fallback, first match wins. Slime's field."),
});

export const Collector = z.strictObject({
  service: ObjectName.default("fenceline-collector").describe("Service of the collector, in Fenceline's namespace."),
  port: Port.default(18_081).describe("Its port for access logs (gRPC)."),
});

export const Telemetry = z.strictObject({
  sampling: z
    .number()
    .gt(0)
    .max(100)
    .default(100)
    .describe(
      "Percentage of requests that Envoy logs, above 0 and up to 100. At 100 an Envoy loses 4 to 8 % of its throughput, at 10 nothing measurable; an edge called n times in a window is missed with probability (1 - p)^n.",
    ),
  acceptPlaintext: z
    .boolean()
    .default(false)
    .describe(
      "Whether access logs and calls that come without a client certificate are believed. Any pod that reaches the collector or the global sidecar may then speak for any workload. For meshes without mTLS only.",
    ),
  flushInterval: durationBetween("10ms", "10m")
    .default("1s")
    .describe(
      "Longest time that Envoy keeps an access-log entry before it sends it, from 10ms to 10m. Envoy refuses 0, and each flush is a message of every Envoy; what is sent late is learned late.",
    ),
});

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

const AgeingFields = z.strictObject({
  idleWindow: durationBetween("100ms", "87600h")
    .default("24h")
    .describe(
      "How long a learned host may go unseen, in observed time, before it leaves the fence. Not shorter than `shortestWindow`, and ten years (87600h) at most.",
    ),
  shortestWindow: durationBetween("100ms", "24h")
    .default("10s")
    .describe(
      "Least length of time that counts of what a fence says: a shorter `idleWindow`, `warmUp.for` or `auto.duration` counts as this, and the fence's condition Ready says so. From 100ms to 24h. Times and counts of a fence are written every tenth of its window, so this is what bounds the writes that somebody who may create fences can cause; they are never written more than once a second. Below 10s only for tests with one replica: another one's sightings would come too late.",
    ),
  maxHosts: z
    .int()
    .min(1)
    .max(100_000)
    .default(1_000)
    .describe(
      "Most learned hosts a fence may hold, from 1 to 100000. Beyond it a host that was not seen within its window makes room; what was seen within it never does, and the newcomer stays on the fallback (condition AtCapacity). Static hosts do not count.",
    ),
  keepDeleted: durationBetween("0s", "720h")
    .default("24h")
    .describe(
      "How long what a fence has learned outlives its deletion: one that is made anew by the same name within this time goes on where the other ended. 0s forgets at once, 720h at most. In a folder it holds over restarts, in a cluster while a collector runs.",
    ),
  maxRemovedShare: z
    .number()
    .gt(0)
    .max(1)
    .default(0.1)
    .describe(
      "Largest share of a fence's learned hosts that one ageing round may remove (at least one host). What is left waits for the next round.",
    ),
});

export const Ageing = AgeingFields.refine(({ idleWindow, shortestWindow }) => durationMs(idleWindow) >= durationMs(shortestWindow), {
  path: ["idleWindow"],
  message: "shorter than ageing.shortestWindow",
});
export type Ageing = z.infer<typeof Ageing>;

const SwitchOverFields = z.strictObject({
  shortestPause: durationBetween("10ms", "10m")
    .default("500ms")
    .describe(
      "Least time between the two steps in which a host leaves a Sidecar, or comes where its calls cannot wait in Envoy. From 10ms to 10m. Istiod gathers changes for 100ms (PILOT_DEBOUNCE_AFTER): steps that it pushes as one may lose a request.",
    ),
  longestPause: durationBetween("10ms", "10m")
    .default("15s")
    .describe("Most time between them, however slow pushes are. From 10ms to 10m, not shorter than `shortestPause`."),
  unobservedPause: durationBetween("10ms", "10m")
    .default("3s")
    .describe(
      "Time between them as long as no push was observed. Access logs tell how long the latest ones took, from the write of a Sidecar to the first direct call; twice the longest of these is waited.",
    ),
});

/** How a Sidecar goes from one set of hosts to another one. */
export const SwitchOver = SwitchOverFields.refine(
  ({ shortestPause, longestPause }) => durationMs(longestPause) >= durationMs(shortestPause),
  { path: ["longestPause"], message: "shorter than switchOver.shortestPause" },
);
export type SwitchOver = z.infer<typeof SwitchOver>;

export const AutomaticFences = z.strictObject({
  create: z
    .enum(AUTOMATIC_FENCES)
    .default("Labelled")
    .describe(
      `Which workloads get a fence by themselves, one per selector of Services. Labelled: those whose Service, or else its Namespace, has the label ${FENCED_LABEL} "true". All: also those where neither has it. Off: none. Fences that were made automatically and are no longer wanted are deleted, with what they have learned (after ageing.keepDeleted). Quote "Off" in YAML.`,
    ),
  mode: z
    .enum(AUTOMATIC_FENCE_MODES)
    .default("Enforce")
    .describe(
      "Mode of fences that are made from now on. Enforce: learn and narrow. Observe: learn only. Those that exist stay as they are.",
    ),
});

export const EXTERNAL_MODES = ["Forward", "Refuse"] as const;

export const External = z.strictObject({
  mode: z
    .enum(EXTERNAL_MODES)
    .default("Forward")
    .describe(
      "What the global sidecar does with hosts and addresses that are not of the mesh. Forward: pass them on for fenced callers whose identity agrees, as Istio's passthrough would; never to nodes, the API server, cloud metadata, or where the caller's outboundTrafficPolicy is REGISTRY_ONLY. Refuse: none but those in `allow`.",
    ),
  allow: z
    .array(ExternalEntry)
    .default([])
    .describe(
      "Hosts (partner.example, *.partner.example) and CIDRs that pass in mode Refuse. A host that is listed by name is looked up by that name.",
    ),
  deny: z
    .array(ExternalEntry)
    .default([])
    .describe(
      "Hosts and CIDRs outside of the mesh that never pass, in either mode. A host is compared with the name of the request only: whoever calls its address by another name passes, unless a CIDR denies the address.",
    ),
});

export const ON_DEMAND = ["auto", "always", "never"] as const;

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
    "Istio's root namespace, as meshConfig.rootNamespace: what stands there counts in every namespace, so no fence in it is rendered. What `meshConfigMaps` say is reserved beside it. Default: what they say, else `istioNamespace`.",
  ),
  meshConfigMaps: z
    .array(DomainName)
    .min(1)
    .max(16)
    .optional()
    .describe(
      "ConfigMaps in `istioNamespace` with Istio's mesh configuration (key `mesh`), of which outboundTrafficPolicy and rootNamespace are read: one for each revision of the control plane, and one that they share. REGISTRY_ONLY in any of them holds at the global sidecar, too. Default: `istio`; in the chart `istio-<revision>` where `istio.revision` is set.",
    ),
  meshConfigMap: DomainName.optional().describe(
    "One more of `meshConfigMaps`: how the field was named when there was one only. Where it stands alone, no other is read.",
  ),
  namespace: NamespaceName.default("fenceline").describe(
    "Namespace of Fenceline itself; every fence shows it, or the fallback could not be reached.",
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
  trustDomain: TrustDomain.default(DEFAULT_TRUST_DOMAIN).describe(
    "Trust domain of the mesh, as Istio's meshConfig.trustDomain. Certificates of any other one prove nothing.",
  ),
  trustDomainAliases: z
    .array(TrustDomain)
    .max(64)
    .default([])
    .describe("Further trust domains whose certificates are believed, as Istio's meshConfig.trustDomainAliases. At most 64."),
  fallback: Fallback.prefault({}),
  external: External.prefault({}),
  collector: Collector.prefault({}),
  telemetry: Telemetry.prefault({}),
  ageing: Ageing.prefault({}),
  switchOver: SwitchOver.prefault({}),
  automaticFences: AutomaticFences.prefault({}),
});
export type Config = z.infer<typeof Config>;

/** What decides which namespaces are Istio's and Fenceline's own. */
export interface SystemConfig extends Pick<Config, "namespace" | "istioNamespace" | "rootNamespace"> {
  /**
   * What the MeshConfigs say, one for each control plane. A `rootNamespace` that disagrees with
   * them may be a mistake, so it makes none of them harmless.
   */
  readonly meshRootNamespaces?: readonly string[];
}

/**
 * Namespaces in which no workload is fenced: Fenceline's own, Istio's, and every one that may be a
 * root namespace of Istio's.
 */
export function systemNamespaces({
  namespace,
  istioNamespace,
  rootNamespace = istioNamespace,
  meshRootNamespaces = [],
}: SystemConfig): ReadonlySet<string> {
  return new Set([namespace, istioNamespace, rootNamespace, ...meshRootNamespaces]);
}

/** Where Istio keeps its MeshConfigs: at least one, none twice. */
export function meshConfigMapsOf({
  istioNamespace,
  meshConfigMaps = [],
  meshConfigMap,
}: Pick<Config, "istioNamespace" | "meshConfigMaps" | "meshConfigMap">): readonly { readonly namespace: string; readonly name: string }[] {
  const named = [...meshConfigMaps, ...(meshConfigMap === undefined ? [] : [meshConfigMap])];
  const names = new Set(named.length === 0 ? ["istio"] : named);
  return [...names].map((name) => ({ namespace: istioNamespace, name }));
}

/** The trust domains whose identities are believed. */
export function trustDomainsOf({ trustDomain, trustDomainAliases }: Pick<Config, "trustDomain" | "trustDomainAliases">): readonly string[] {
  return [trustDomain, ...trustDomainAliases];
}
