import type { Resource } from "../client/resource.ts";

/**
 * The version by which a resource is read: the first that the API server serves. Helm never updates
 * a CustomResourceDefinition, so after an upgrade the server may have only an older version.
 */
export class ServedVersion {
  readonly #resources: readonly [Resource, ...Resource[]];
  #at = 0;
  /** Index of the version that was served last. */
  #servedAt = 0;
  /** Number of consecutive versions that are not served. */
  #missed = 0;

  constructor(resource: Resource) {
    const others = (resource.otherVersions ?? []).map((apiVersion) => ({ ...resource, apiVersion }));
    this.#resources = [resource, ...others];
  }

  get resource(): Resource {
    return this.#resources[this.#at] ?? this.#resources[0];
  }

  /**
   * The version is served. Returns whether it differs from the one before, and is not the first.
   */
  served(): boolean {
    const isOther = this.#at !== this.#servedAt && this.#at > 0;
    this.#servedAt = this.#at;
    this.#missed = 0;
    return isOther;
  }

  /**
   * The version is not served. Returns whether there is another to try; the first comes after the
   * last.
   */
  next(): boolean {
    this.#missed += 1;
    this.#at = (this.#at + 1) % this.#resources.length;
    if (this.#missed < this.#resources.length) return true;
    this.#missed = 0;
    return false;
  }
}
