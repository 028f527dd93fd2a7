import { AUTHORIZATION_POLICY, NAMESPACE, objectOf, SERVICE, SERVICE_ENTRY, SERVICE_FENCE } from "@fenceline/api";
import type { MeshChanges, Store } from "@fenceline/store";
import { areRefusalsKnown } from "./fence-calls.ts";
import type { Mesh } from "./mesh.ts";
import { routeChanges } from "./touched-hosts.ts";

/** How often the rights are checked, in milliseconds: no event tells of a change. */
const LOOK_PAUSE = 5_000;

/**
 * What is told to the global sidecar of calls that AuthorizationPolicies certainly refuse. The
 * global sidecar knows only a caller's namespace, so a call is told only where every service
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

  /** The texts of all namespaces. */
  texts(): ReadonlySet<string> {
    return new Set(this.#isKnown ? [...this.#byNamespace.values()].flat() : []);
  }

  /**
   * Checks now and then whether the kinds that decide may still be read.
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
   * Takes over what changed. The mesh has to know it before.
   *
   * @returns what is to be told; undefined where nothing can have changed
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

  /** Namespaces with fences: the global sidecar does not tell others apart. */
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
