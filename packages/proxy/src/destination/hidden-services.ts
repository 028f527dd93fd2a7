import { SidecarImports } from "@fenceline/registry";

/** A Service by its host, and where it is. */
export interface NamespacedHost {
  readonly namespace: string;
  readonly host: string;
}

/** What is told of default Sidecars. */
interface Told {
  readonly sidecars?: readonly (readonly string[])[];
}

/** Which Services the default Sidecars hide that are told of a namespace, or of the whole mesh. */
export class HiddenServices {
  /** By what was told, and by the namespace of the pods, which `.` stands for. */
  readonly #imports = new WeakMap<Told, Map<string, SidecarImports>>();

  /**
   * @param named a Service by the name that it was called by; undefined where that is an address
   * @param hosts of the Services whose address was found, as `namespace/host`. None are known of a
   * Service that is new
   */
  hides(told: Told | undefined, namespace: string, named: NamespacedHost | undefined, hosts: readonly string[]): boolean {
    const imports = told && this.#importsOf(told, namespace);
    if (imports === undefined) return false;
    if (named !== undefined && !imports.shows(named.namespace, named.host)) return true;
    const isShown = hosts.some((each) => {
      const [of = "", host = ""] = each.split("/");
      return imports.shows(of, host);
    });
    // A name may be an alias of what is hidden (ExternalName).
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
