import type { Service } from "@fenceline/api";
import type { Destination } from "@fenceline/registry";

/**
 * Most characters of upstream clusters that are remembered: 20,000 of the usual length, more than a
 * mesh of some thousand services has.
 */
const REMEMBERED_CHARACTERS = 1_500_000;

/** The Service port of a cluster. It is valid as long as its Service is this object. */
export interface KnownCluster {
  readonly destination: Destination;
  readonly service: Service;
}

/**
 * The Service ports of clusters. Only existing ones are kept: an invented cluster is looked up each
 * time, and takes no memory.
 */
export class KnownClusters {
  readonly #clusters = new Map<string, KnownCluster>();
  #characters = 0;

  /** Characters of clusters that are remembered now. */
  get characters(): number {
    return this.#characters;
  }

  get(cluster: string): KnownCluster | undefined {
    return this.#clusters.get(cluster);
  }

  /**
   * The subset in a cluster may be any text, so even existing clusters are unlimited in number.
   * When there are too many, all are forgotten: those in use are soon found again.
   */
  set(cluster: string, found: KnownCluster): void {
    if (this.#characters + cluster.length > REMEMBERED_CHARACTERS) {
      this.#clusters.clear();
      this.#characters = 0;
    }
    this.#clusters.set(cluster, found);
    this.#characters += cluster.length;
  }

  delete(cluster: string): void {
    if (this.#clusters.delete(cluster)) this.#characters -= cluster.length;
  }
}
