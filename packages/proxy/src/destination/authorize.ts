import { Refusal } from "../refusal.ts";
import { qualifiedNames } from "./cluster-name.ts";
import type { Destination } from "./parse-destination.ts";

/** What the global sidecar serves. */
export interface ServingPolicy {
  /** DNS domain of the cluster. */
  readonly clusterDomain: string;
  /**
   * Whether endpoints may be loopback addresses. Only right where the directory store, and so the operator, says what the endpoints are
   * (standalone): behind DNS, whoever writes a record could reach what listens on loopback.
   */
  readonly allowLoopback: boolean;
  /** Fully qualified names of the global sidecar's own Services. */
  readonly ownNames: ReadonlySet<string>;
  /**
   * What becomes of a host that is no service. A fence cannot tell `github.com` from `b.test1` (both have two labels), nor a virtual machine's
   * address from a pod's, so calls that leave the cluster come here too; without the fence Istio's passthrough would have let them go.
   */
  readonly externalHosts: "forward" | "refuse";
}

/** A place that the resolver may be asked for. */
export interface Target {
  readonly host: string;
  readonly kind: "name" | "ipv4" | "ipv6";
  readonly port: number;
  /** Namespace of the caller, to complete a short `host`. */
  readonly namespace: string | undefined;
  /** To be taken as it stands, because it is no service: an address for itself, a name by its own records. */
  readonly external?: true;
}

/** Step 2: the targets that may be tried, best first. Never empty. */
export interface Authorized {
  readonly targets: readonly Target[];
  /** The answer when no target is known to the resolver. */
  readonly unknown: Refusal;
}

/**
 * What a request may be forwarded to, by name only; the addresses behind the name are checked after they are resolved.
 *
 * The name comes first: it is what the caller means, and DNS or the registry decides what it stands for now. The original destination is
 * the fallback for a Host that names no service (a made-up or external one, sent to a ClusterIP), and the resolver must know it too:
 * `slime-orig-dest` alone never opens a way to an address. That was the server-side request forgery in Slime's proxy.
 */
export function authorize(destination: Destination, policy: ServingPolicy): Authorized | Refusal {
  const { named, original, port, namespace } = destination;
  const names = named.kind === "name" ? qualifiedNames(named.host, namespace, policy.clusterDomain) : [named.host];
  if (names?.some((name) => policy.ownNames.has(name))) {
    return new Refusal("DESTINATION_IS_SELF", "the host is the global sidecar itself");
  }
  const targets: Target[] = [];
  if (names !== undefined && names.length > 0) targets.push({ host: named.host, kind: named.kind, port, namespace });
  if (original !== undefined) targets.push({ host: original.address, kind: original.kind, port: original.port, namespace });
  if (policy.externalHosts === "forward") targets.push(externalTarget(destination));
  const unknown = refusalOf(names);
  return targets.length === 0 ? unknown : { targets, unknown };
}

/** What Istio's PassthroughCluster would have dialled: the address that the application did. Only without one is the name looked up. */
function externalTarget({ named, original, port }: Destination): Target {
  if (original !== undefined)
    return { host: original.address, kind: original.kind, port: original.port, namespace: undefined, external: true };
  return { host: named.host, kind: named.kind, port, namespace: undefined, external: true };
}

function refusalOf(names: readonly string[] | undefined): Refusal {
  if (names === undefined) return new Refusal("HOST_NOT_SERVED", "the host is not a service of this cluster");
  if (names.length === 0)
    return new Refusal("HOST_NOT_SERVED", "a short name, and neither fence-source nor slime-source-ns names a namespace");
  return new Refusal("NO_SUCH_SERVICE", "no such service");
}
