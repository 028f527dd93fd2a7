import { FencelineError } from "@fenceline/api";
import type { ObjectReference } from "./object.ts";

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** Paths of the objects of a kind, from the API server's discovery. */
export class ResourcePaths {
  readonly #get: (path: string) => Promise<unknown>;
  readonly #known = new Map<string, Resource>();

  constructor(get: (path: string) => Promise<unknown>) {
    this.#get = get;
  }

  /** The path of an object, or of its collection when its name is empty. */
  async of({ apiVersion, kind, metadata: { name, namespace } }: ObjectReference): Promise<string> {
    const resource = this.#known.get(`${apiVersion} ${kind}`) ?? (await this.#discover(apiVersion, kind));
    const scope = resource.namespaced && namespace !== undefined ? `/namespaces/${namespace}` : "";
    return `${root(apiVersion)}${scope}/${resource.name}${name === "" ? "" : `/${name}`}`;
  }

  async #discover(apiVersion: string, kind: string): Promise<Resource> {
    const { resources } = (await this.#get(root(apiVersion))) as { resources: Resource[] };
    // A name with a slash is a subresource, and may have the same kind.
    for (const resource of resources.filter(({ name }) => !name.includes("/"))) this.#known.set(`${apiVersion} ${resource.kind}`, resource);
    const found = this.#known.get(`${apiVersion} ${kind}`);
    if (found === undefined) throw new FencelineError("LAB_NO_KIND", { message: `the API server has no ${kind} in ${apiVersion}` });
    return found;
  }
}

function root(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
