import { type FenceKey, formatFenceKey } from "@fenceline/api/vocabulary";
import { Refusal } from "../refusals/refusal.ts";
import { mayBeOutside, namespaceInName, podNamesOf, qualifiedNames } from "../resolve/cluster-name.ts";
import { type Target, toAddress } from "../resolve/resolver.ts";
import type { AddressCheck } from "./address-policy.ts";
import type { Certified } from "./client-certificate.ts";
import { type ExternalPolicy, REACH, type Reach } from "./external-policy.ts";
import type { Destination } from "./parse-destination.ts";

/** What the global sidecar serves. */
export interface ServingPolicy {
  /** DNS domain of the cluster. */
  readonly clusterDomain: string;
  /**
   * Whether endpoints may be loopback addresses. Only safe where the directory store, and so the
   * operator, names the endpoints (standalone): with DNS, whoever writes a record could reach what
   * listens on loopback.
   */
  readonly allowLoopback: boolean;
  /** Fully qualified names of the global sidecar's own Services. */
  readonly ownNames: ReadonlySet<string>;
  /**
   * Fenceline's namespace: no name in it is served. Servers there see the certificate of the global
   * sidecar, so a caller could act in our name through us: to the collector, for example, as the
   * fallback that reports for all.
   */
  readonly ownNamespace: string | undefined;
  /**
   * How hosts that are no service are treated. A fence cannot tell `github.com` from `b.test1`
   * (both have two labels), nor a virtual machine's address from a pod's, so calls that leave the
   * cluster come here too. Without the fence Istio's passthrough would have forwarded them.
   */
  readonly external: ExternalPolicy;
  /** The check of an address for every caller. */
  readonly checkAddress: AddressCheck;
  /**
   * Whether `<pod>.<service>.<namespace>` is served. Only safe with a resolver that knows the pods
   * (standalone): its form is the same as that of `www.example.com`.
   */
  readonly servesPodNames?: boolean;
}

/** What is known of the caller. */
export interface Caller {
  /**
   * Whether `fence-source` names a fence, and the certificate, where there is one, is of the same
   * namespace.
   */
  readonly isProven: boolean;
  /**
   * Whether the caller's own Envoy reaches only registered hosts (`outboundTrafficPolicy:
   * REGISTRY_ONLY`).
   */
  readonly registryOnly: boolean;
  readonly certified: Certified;
}

/** Step 2: the targets that may be tried, best first. Never empty. */
export interface Authorized {
  readonly targets: readonly Target[];
  /** Fully qualified names of the cluster that the host may stand for. */
  readonly names: readonly string[];
  /** The answer when no target is known to the resolver. */
  readonly unknown: Refusal;
  /** How far outside of the mesh the dialled addresses may be. */
  readonly reach: Reach;
  /**
   * Namespace of the calling fence; undefined where the caller has not proved one. Whether there is
   * such a fence is not known here.
   */
  readonly caller: string | undefined;
  /**
   * Namespace for the policies of the destination and for default Sidecars: that of the caller's
   * certificate, even where it names no fence; else that of the fence.
   */
  readonly asking: string | undefined;
  /** That fence, as `namespace/name`. */
  readonly fence: string | undefined;
  /** The answer when the addresses are further away than that. */
  readonly noFurther: Refusal;
  /** Whether the caller's Envoy reported it of itself, see {@link Caller.registryOnly}. */
  readonly registryOnly: boolean;
}

/**
 * To what a request may be forwarded, by name only; the addresses of the name are checked after
 * they are resolved.
 *
 * The name comes first: the caller means it, and DNS or the registry decides what it stands for
 * now. The original destination is used where the Host names no service (an invented or external
 * one, sent to a ClusterIP), and the resolver must know it too: `slime-orig-dest` alone never opens
 * a way to an address. That was the server-side request forgery in Slime's proxy.
 */
export function authorize(destination: Destination, policy: ServingPolicy, caller: Caller): Authorized | Refusal {
  const { named, original, port, namespace } = destination;
  const names = named.kind === "name" ? qualifiedNames(named.host, namespace, policy.clusterDomain) : [named.host];
  const podNames = names === undefined && policy.servesPodNames === true ? podNamesOf(named.host, policy.clusterDomain) : [];
  if ([named.host, ...(names ?? podNames)].some((name) => isOwn(name, policy))) {
    return new Refusal("DESTINATION_IS_SELF", "the host is Fenceline itself");
  }
  const { reach, noFurther } = reachOf(named.host, policy.external, caller);
  const targets: Target[] = [];
  const from = caller.isProven ? { namespace } : { namespace, unproven: true as const };
  if ((names ?? podNames).length > 0) targets.push({ host: named.host, kind: named.kind, port, ...from });
  if (original !== undefined) targets.push({ host: original.address, kind: original.kind, port: original.port, ...from });
  if (reach > REACH.SERVICE_NAMES) targets.push(externalTarget(destination, policy.external));
  const unknown = reach > REACH.SERVICE_NAMES ? refusalOf(names) : unknownWithin(destination, names, noFurther, policy);
  return targets.length === 0
    ? unknown
    : { targets, names: names ?? podNames, unknown, reach, ...callerOf(destination.source, caller), noFurther };
}

type Identity = Pick<Authorized, "caller" | "fence" | "asking" | "registryOnly">;

function callerOf(named: FenceKey | undefined, { isProven, certified, registryOnly }: Caller): Identity {
  const source = isProven ? named : undefined;
  const fence = source && formatFenceKey(source);
  return { caller: source?.namespace, fence, asking: certified?.namespace || source?.namespace, registryOnly };
}

/**
 * The answer for a host that the mesh does not have, for a caller that may go no further. With more
 * rights, the host might have been found outside, so that is what was refused, and counted. A name
 * of two labels may just as well be a mistyped `<service>.<namespace>`, so its answer names both
 * reasons.
 */
function unknownWithin(
  { named, port }: Destination,
  names: readonly string[] | undefined,
  noFurther: Refusal,
  { external, clusterDomain, checkAddress }: ServingPolicy,
): Refusal {
  const isRefused = external.reachOf(named.host) > REACH.SERVICE_NAMES || external.deniesName(named.host);
  if (!isRefused) return refusalOf(names);
  if (named.kind !== "name") return checkAddress(toAddress(named.host, port)) ?? noFurther;
  if (!mayBeOutside(named.host, clusterDomain)) return refusalOf(names);
  return names === undefined
    ? noFurther
    : new Refusal(noFurther.code, `no service of the cluster has this name, and as an external host it is refused: ${noFurther.message}`);
}

function isOwn(name: string, { ownNames, ownNamespace, clusterDomain }: ServingPolicy): boolean {
  return ownNames.has(name) || (ownNamespace !== undefined && namespaceInName(name, clusterDomain) === ownNamespace);
}

/**
 * The global sidecar is a way out of the mesh for fenced workloads, whose unknown hosts come here,
 * and for nobody else.
 */
function reachOf(host: string, external: ExternalPolicy, { isProven, registryOnly }: Caller): Pick<Authorized, "reach" | "noFurther"> {
  if (!isProven) return { reach: REACH.MESH, noFurther: NOT_PROVEN };
  // For Istio, ExternalName Services are hosts of the registry, so REGISTRY_ONLY allows calls to
  // them.
  if (registryOnly) return { reach: REACH.SERVICE_NAMES, noFurther: REGISTRY_ONLY };
  return { reach: external.reachOf(host), noFurther: NOT_ALLOWED };
}

const NOT_PROVEN = new Refusal("EXTERNAL_REFUSED", "only fenced workloads whose identity agrees are forwarded out of the mesh");
export const NO_SUCH_FENCE = new Refusal(
  "EXTERNAL_REFUSED",
  "fence-source names no fence: only fenced workloads are forwarded out of the mesh",
);
export const REGISTRY_ONLY = new Refusal("EXTERNAL_REFUSED", "the caller's outboundTrafficPolicy is REGISTRY_ONLY");
export const DENIED_BY_POLICY = new Refusal(
  "DENIED_BY_POLICY",
  "AuthorizationPolicies of the destination refuse every call of this caller",
);
const NOT_ALLOWED = new Refusal("EXTERNAL_REFUSED", "the configuration does not allow this external host");

/**
 * What Istio's PassthroughCluster would have dialled: the address that the application dialled. The
 * name is looked up only without one, or where the name is what is allowed: then the address in a
 * header might be another one.
 */
function externalTarget({ named, original, port }: Destination, external: ExternalPolicy): Target {
  const goesByAddress = external.mode === "forward" || external.reachOf(named.host) === REACH.LISTED;
  if (original !== undefined && goesByAddress)
    return { host: original.address, kind: original.kind, port: original.port, namespace: undefined, external: true };
  return { host: named.host, kind: named.kind, port, namespace: undefined, external: true };
}

function refusalOf(names: readonly string[] | undefined): Refusal {
  if (names === undefined) return new Refusal("HOST_NOT_SERVED", "the host is not a service of this cluster");
  if (names.length === 0)
    return new Refusal("HOST_NOT_SERVED", "a short name, and neither fence-source nor slime-source-ns names a namespace");
  return new Refusal("NO_SUCH_SERVICE", "no such service");
}
