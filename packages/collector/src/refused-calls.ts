import { AUTHORIZATION_POLICY, NAMESPACE, objectOf, SERVICE, SERVICE_ENTRY, SERVICE_FENCE } from "@fenceline/api";
import type { MeshChanges, Store } from "@fenceline/store";
import { areRefusalsKnown } from "./fence-calls.ts";
import type { Mesh } from "./mesh.ts";
import { routeChanges } from "./touched-hosts.ts";

/** How often it is asked whether rights are there still, in milliseconds: nobody tells. */
const LOOK_PAUSE = 5_000;

/**
 * What the global sidecar is told of calls that AuthorizationPolicies refuse for certain, kept up
 * with the mesh. It knows a caller's namespace and no more, so a call is told of where any service
 * account of the namespace is refused.
 */
export class RefusedCalls {
  readonly #mesh: () => Mesh;
  readonly #store: Pick<Store, "unread">;
  /** By the namespace of the callee. */
  readonly #byNamespace = new Map<string, readonly string[]>();
  #callers = "";
  #isKnown: boolean;

  constructor(mesh: () => Mesh, store: Pick<Store, "unread">) {
    this.#mesh = mesh;
    this.#store = store;
    this.#isKnown = areRefusalsKnown(store);
    this.#lookAtAll();
  }

  /** All of it. */
  texts(): ReadonlySet<string> {
    return new Set(this.#isKnown ? [...this.#byNamespace.values()].flat() : []);
  }

  /**
   * Looks now and then whether what says so may be read still.
   *
   * @returns ends it
   */
  watch(onChange: (texts: ReadonlySet<string>) => void): () => void {
    const timer = setInterval(() => {
      const isKnown = areRefusalsKnown(this.#store);
      if (isKnown === this.#isKnown) return;
      this.#isKnown = isKnown;
      onChange(this.texts());
    }, LOOK_PAUSE).unref();
    return () => clearInterval(timer);
  }

  /**
   * Takes over what changed, once the mesh knows it.
   *
   * @returns what is to be told; undefined where nothing can be other than before
   */
  apply(changes: Pick<MeshChanges, "of" | "meshConfigs">): ReadonlySet<string> | undefined {
    const policies = changes.of(AUTHORIZATION_POLICY).flatMap((change) => objectOf(change)?.metadata.namespace ?? []);
    if (this.#isForAll(changes, policies)) {
      this.#lookAtAll();
      return this.texts();
    }
    const services = changes.of(SERVICE).flatMap((change) => objectOf(change)?.metadata.namespace ?? []);
    const namespaces = changes.of(NAMESPACE).flatMap((change) => objectOf(change)?.metadata.name ?? []);
    const touched = new Set([...policies, ...services, ...namespaces]);
    for (const namespace of touched) this.#lookAt(namespace);
    return touched.size > 0 ? this.texts() : undefined;
  }

  #isForAll(changes: Pick<MeshChanges, "of" | "meshConfigs">, policies: readonly string[]): boolean {
    const { rootNamespaces } = this.#mesh();
    const { virtualServices = [], gatewayRoutes = [] } = routeChanges(changes);
    const sendsElsewhere = virtualServices.length + gatewayRoutes.length + changes.of(SERVICE_ENTRY).length > 0;
    if (sendsElsewhere || changes.meshConfigs.length > 0 || policies.some((each) => rootNamespaces.includes(each))) return true;
    return changes.of(SERVICE_FENCE).length > 0 && this.#callers !== this.#callersNow().join();
  }

  #lookAtAll(): void {
    const { registry } = this.#mesh();
    this.#callers = this.#callersNow().join();
    this.#byNamespace.clear();
    for (const namespace of new Set(registry.services().map(({ metadata }) => metadata.namespace))) this.#lookAt(namespace);
  }

  #lookAt(namespace: string): void {
    const { calls, registry } = this.#mesh();
    const texts = registry.servicesIn(namespace).flatMap((service) => calls.refusedTexts(service, this.#callers.split(",")));
    if (texts.length === 0) this.#byNamespace.delete(namespace);
    else this.#byNamespace.set(namespace, texts);
  }

  /** Namespaces that have fences: nobody else is told apart by the global sidecar. */
  #callersNow(): readonly string[] {
    return [
      ...new Set(
        this.#mesh()
          .fences()
          .map(({ metadata }) => metadata.namespace),
      ),
    ].sort();
  }
}
