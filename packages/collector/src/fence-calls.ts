import {
  AUTHORIZATION_POLICY,
  GATEWAY_ROUTE_KINDS,
  type Kind,
  type Labels,
  MESH_CONFIG,
  NAMESPACE,
  type Namespace,
  type ObjectsByKind,
  objectOf,
  REVISION_LABEL,
  SERVICE,
  SERVICE_ENTRY,
  type Service,
  VIRTUAL_SERVICE,
} from "@fenceline/api";
import { CallPolicies, type MeshHosts, type PolicyCaller, type Registry, refusedTexts } from "@fenceline/registry";
import type { MeshChanges, Store } from "@fenceline/store";

/** The part of the mesh that is used. */
interface Callees {
  readonly registry: Registry;
  readonly meshHosts: Pick<MeshHosts, "routesFor" | "hasEntry">;
  namespace(name: string): Namespace | undefined;
}

/** Kinds that decide whether calls are refused, or are sent elsewhere. */
const READ_FOR_REFUSALS: readonly Kind[] = [
  ...[AUTHORIZATION_POLICY, MESH_CONFIG, NAMESPACE, SERVICE, SERVICE_ENTRY, VIRTUAL_SERVICE],
  ...GATEWAY_ROUTE_KINDS,
];

/** Whether these kinds may be read. If not, they may have changed since they were last read. */
export function areRefusalsKnown(store: Pick<Store, "unread">): boolean {
  return READ_FOR_REFUSALS.every((kind) => store.unread(kind) !== "NotPermitted");
}

/** What AuthorizationPolicies say of calls from workloads to Services. */
export class FenceCalls {
  readonly #policies: CallPolicies;
  readonly #mesh: Callees;
  /** The identity of calls through the global sidecar. */
  readonly #fallback: PolicyCaller;

  /** @param namespace ours, in which the global sidecar runs */
  constructor(snapshot: ObjectsByKind, mesh: Callees, namespace: string) {
    this.#policies = new CallPolicies(snapshot.of(AUTHORIZATION_POLICY));
    this.#mesh = mesh;
    this.#fallback = { namespace, serviceAccount: undefined };
  }

  configure(rootNamespaces: readonly string[], trustDomains: readonly string[]): void {
    this.#policies.configure({ rootNamespaces, trustDomains });
  }

  apply(changes: Pick<MeshChanges, "of">): void {
    this.#policies.apply(changes.of(AUTHORIZATION_POLICY));
  }

  /**
   * Whether every call is refused, also through the global sidecar. Where that one gets through, as
   * past a DENY of the caller's name, the edge is learned, so that the callee sees the caller.
   */
  isDenied(caller: PolicyCaller, host: string): boolean {
    const service = this.#mesh.registry.resolveHost(host);
    const labels = service?.spec.selector ?? {};
    if (service === undefined || Object.keys(labels).length === 0 || !this.#isEnforced(service)) return false;
    if (this.#isRouted(host, caller.namespace)) return false;
    const verdict = this.#policies.about({ namespace: service.metadata.namespace, labels });
    return verdict !== undefined && [caller, this.#fallback].every((each) => verdict(each) === "certainly_denied");
  }

  /**
   * From which namespaces calls to a Service are refused, as it is told to the global sidecar.
   *
   * @param callers namespaces from which calls come
   */
  refusedTexts(service: Service, callers: Iterable<string>): readonly string[] {
    const host = this.#mesh.registry.hostOf(service);
    if (!this.#isEnforced(service) || this.#isRouted(host, this.#fallback.namespace)) return [];
    return refusedTexts(this.#policies, service, host, { callers, isRouted: (namespace) => this.#isRouted(host, namespace) });
  }

  /**
   * Whether the callee's proxies see the caller's own identity. Not in a namespace without sidecars
   * and ztunnel, and not behind a waypoint, which forwards calls in its own name.
   */
  #isEnforced({ metadata }: Service): boolean {
    const namespace = this.#mesh.namespace(metadata.namespace);
    return isInMesh(namespace) && !hasWaypoint(metadata.labels) && !hasWaypoint(namespace?.metadata.labels);
  }

  /** Whether calls to a host may be sent to other pods than those of its Service. */
  #isRouted(host: string, from: string): boolean {
    const { meshHosts } = this.#mesh;
    return meshHosts.routesFor(host, from).length > 0 || meshHosts.hasEntry(host);
  }

  /**
   * Hosts of Services whose policies allow a caller by its name.
   *
   * @param onlyNew whether only policies count that came or changed since this process started
   */
  *namedHosts(caller: PolicyCaller, onlyNew: boolean): Generator<string> {
    const { registry } = this.#mesh;
    const named = this.#policies.namedFor(caller, (namespace) => registry.servicesIn(namespace), onlyNew);
    for (const service of named) yield registry.hostOf(service);
  }

  /** Namespaces of callers whose policies may differ, once the changes are taken over. */
  namespacesNamed(changes: Pick<MeshChanges, "of">): ReadonlySet<string> {
    const changed = [...changes.of(AUTHORIZATION_POLICY), ...changes.of(SERVICE)];
    const callees = new Set(changed.flatMap((change) => objectOf<{ metadata: { namespace: string } }>(change)?.metadata.namespace ?? []));
    return new Set([...callees].flatMap((namespace) => [...this.#policies.namespacesNamedIn(namespace)]));
  }
}

const INJECTION_LABEL = "istio-injection";
const DATAPLANE_LABEL = "istio.io/dataplane-mode";
const WAYPOINT_LABEL = "istio.io/use-waypoint";

function hasWaypoint({ [WAYPOINT_LABEL]: waypoint = "none" }: Labels = {}): boolean {
  return waypoint !== "none";
}

/** Whether pods of a namespace have sidecars, or are in the ambient mesh, unless they opt out. */
function isInMesh(namespace: Namespace | undefined): boolean {
  const { [INJECTION_LABEL]: injection, [REVISION_LABEL]: revision = "", [DATAPLANE_LABEL]: dataplane } = namespace?.metadata.labels ?? {};
  return dataplane === "ambient" || (injection === undefined ? revision !== "" : injection === "enabled");
}
