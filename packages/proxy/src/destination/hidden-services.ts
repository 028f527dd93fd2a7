import { SidecarImports } from "@fenceline/registry";

/** A Service by its host and namespace. */
export interface NamespacedHost {
  readonly namespace: string;
  readonly host: string;
}

/** A collector's message about default Sidecars. */
interface Told {
  readonly sidecars?: readonly (readonly string[])[];
}

/** Which Services the default Sidecars of a namespace, or of the whole mesh, hide. */
export class HiddenServices {
  /** By message, and by the namespace of the pods, for which `.` stands. */
  readonly #imports = new WeakMap<Told, Map<string, SidecarImports>>();

  /**
   * @param named the Service that the call named; undefined where that is an address
   * @param hosts of the Services with the resolved address, as `namespace/host`. For a new Service
   * none are known
   */
  hides(told: Told | undefined, namespace: string, named: NamespacedHost | undefined, hosts: readonly string[]): boolean {
    const imports = told && this.#importsOf(told, namespace);
    if (imports === undefined) return false;
    if (named !== undefined && !imports.shows(named.namespace, named.host)) return true;
    const isShown = hosts.some((each) => {
      const [of = "", host = ""] = each.split("/");
      return imports.shows(of, host);
    });
    // A name may be an alias of something hidden (ExternalName).
    return !isShown && (named === undefined || hosts.length > 0);
  }

  #importsOf(told: Told, namespace: string): SidecarImports | undefined {
    if (told.sidecars === undefined) return undefined;
    const byNamespace = this.#imports.get(told) ?? new Map<string, SidecarImports>();
    const imports = byNamespace.get(namespace) ?? new SidecarImports(told.sidecars, namespace);
    this.#imports.set(told, byNamespace.set(namespace, imports));
    return imports;
  }
}
