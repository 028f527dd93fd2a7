import type { FencelineError } from "@fenceline/api";
import type { Clock, KubernetesApi, ObjectEvent } from "@fenceline/kubernetes";
import { Informer, type ObjectKey } from "@fenceline/kubernetes";
import type { MeshConfig } from "../store.ts";
import { meshConfigMissing, readMeshConfig } from "./mesh-config.ts";
import { CONFIG_MAPS } from "./resources.ts";

/** Settings of an {@link ObservedMeshConfig}. */
export interface ObservedMeshConfigOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly key: ObjectKey;
  readonly onMesh: (event: ObjectEvent<unknown>) => void;
  readonly onTrouble: (error: FencelineError) => void;
}

/**
 * The MeshConfig of one control plane. Each has its own informer, so that one which may not be read
 * does not affect the others.
 */
export class ObservedMeshConfig {
  /** Informer of one object, or none. */
  readonly informer: Informer<MeshConfig>;
  readonly #tell: () => void;

  constructor({ api, clock, key, onMesh, onTrouble }: ObservedMeshConfigOptions) {
    this.#tell = () => onTrouble(meshConfigMissing(key));
    this.informer = new Informer<MeshConfig>({
      ...{ api, clock, resource: CONFIG_MAPS, only: key, parse: readMeshConfig, onTrouble },
      onEvent: (event) => {
        onMesh(event);
        if (event.type === "deleted") this.#tell();
      },
    });
  }

  /** Must be called once, after the first list. */
  tellIfMissing(): void {
    const { synced, objects } = this.informer.health();
    if (synced && objects === 0) this.#tell();
  }
}
